"""Every event from every state, as the database sees it, and the rows that it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from psycopg2.errors import CheckViolation, NotNullViolation

from mahaam import verbs
from mahaam.jobs.states import FINAL, HELD_UNTIL, LIVE, MOVES, Event, State, can, is_final, sources
from mahaam.operations.store import snapshot
from mahaam.postgres import database
from mahaam.postgres.database import Cursor
from mahaam.store import due, exchange, outcomes
from mahaam.store.actions import pauses
from mahaam.store.actions.pauses import Pause
from mahaam.workers import store as workers_store
from tests.mahaam import rows
from tests.mahaam.rows import claim_of, ended
from tests.mahaam.stage import Stage


@pytest.fixture
def cursor(empty_stage: Stage) -> Iterator[Cursor]:
    """A cursor on a connection of a consumer."""
    link = database.open_link("test")
    with link.cursor() as cursor:
        cursor.execute(exchange.PREPARE)
        yield cursor
    link.close()


def start(stage: Stage, cursor: Cursor, id_: str) -> None:
    worker_id = rows.a_worker(stage)
    exchange.exchange(cursor, [], [id_], worker_id=worker_id, unsure=[], durable=False)


def complete(stage: Stage, cursor: Cursor, id_: str) -> None:
    done = [ended(claim_of(stage, id_), State.COMPLETED)]
    exchange.exchange(cursor, done, [], worker_id=done[0][0].worker_id, unsure=[], durable=False)


def end_as(state: State) -> Callable[[Stage, Cursor, str], None]:
    return lambda stage, cursor, id_: outcomes.end(cursor, [ended(claim_of(stage, id_), state)])


def cancel(stage: Stage, cursor: Cursor, id_: str) -> None:
    verbs.apply("cancel", [UUID(id_)], by="ann")
    end_as(State.CANCELLED)(stage, cursor, id_)


def expire(stage: Stage, cursor: Cursor, id_: str) -> None:
    stage.ask("UPDATE job SET expires_at = now() WHERE id = %s", id_)
    due.make_due(cursor)  # what waits for its time expires when it would be started
    start(stage, cursor, id_)
    exchange.expire(cursor, [id_], worker_id=rows.a_worker(stage))
    end_as(State.EXPIRED)(stage, cursor, id_)


def rescue(stage: Stage, cursor: Cursor, id_: str, *, max_crashes: int = 2) -> None:
    workers_store.rescue(cursor, max_crashes=max_crashes, **rows.CRASH)


def hold(stage: Stage, cursor: Cursor, id_: str) -> None:
    task = "tests.mahaam.tasks.nothing"
    pauses.pause_tasks(cursor, [task], Pause("ann"))
    pauses.hold(cursor, [id_], [task])
    stage.ask("DELETE FROM task_pause")


def let_go(stage: Stage, cursor: Cursor, id_: str) -> None:
    held = "UPDATE job SET run_at = %s WHERE id = %s AND state = 'scheduled'"
    stage.ask(held, HELD_UNTIL, id_)
    pauses.let_go(cursor)


def by_verb(verb: str, **inputs: object) -> Callable[..., object]:
    return lambda stage, cursor, id_: verbs.apply(verb, [UUID(id_)], by="ann", **inputs)


def undo(stage: Stage, cursor: Cursor, id_: str) -> None:
    """Undo an operation that would have left the job as it is."""
    verb, state = UNDONE.get(stage.job(id_)["state"], ("cancel", "queued"))
    before = {"state": state, "run_at": "2030-01-01T00:00:00Z"}
    stage.ask(
        "WITH made AS (INSERT INTO operation (kind, verb, created_by, state, finished_at, done)"
        " VALUES ('job', %s, 'ann', 'finished', now(), 1) RETURNING id)"
        " INSERT INTO operation_result (operation_id, number, job_id, is_done, before, after)"
        f" SELECT made.id, 1, job.id, true, %s, {snapshot(verbs.ACTS[verb].columns, 'job')}"
        " FROM made, job",
        verb,
        json.dumps(before),
    )
    verbs.undo(stage.ask("SELECT max(id) AS id FROM operation")[0]["id"], by="ann")


# What could have been done to a job in this state, and what it would have been before.
UNDONE = {
    State.QUEUED: ("promote", "scheduled"),
    State.SCHEDULED: ("reschedule", "scheduled"),
    State.RETRYING: ("reschedule", "retrying"),
}

ACTORS: dict[Event, Callable[[Stage, Cursor, str], object]] = {
    Event.DUE: lambda stage, cursor, id_: due.make_due(cursor),
    Event.STARTED: start,
    Event.COMPLETED: complete,
    Event.FAILED: end_as(State.FAILED),
    Event.RETRYING: end_as(State.RETRYING),
    Event.CANCELLED: cancel,
    Event.EXPIRED: expire,
    Event.RELEASED: end_as(State.QUEUED),
    Event.RESCUED: rescue,
    Event.RETRIED: by_verb("retry"),
    Event.PROMOTED: by_verb("promote"),
    Event.RESCHEDULED: by_verb("reschedule", delay_s=60),
    Event.CHANGED: by_verb("set_priority", priority=9),
    Event.HELD: hold,
    Event.RESUMED: let_go,
    Event.TURNED: by_verb("fail"),
    Event.UNDONE: undo,
}


@pytest.mark.parametrize("event", Event)
def test_an_event_moves_a_job_only_from_the_states_that_allow_it(
    empty_stage: Stage, cursor: Cursor, event: Event
) -> None:
    for state in State:
        id_ = rows.a_job(empty_stage, state)
        before = empty_stage.job(id_)

        ACTORS[event](empty_stage, cursor, id_)

        after = empty_stage.job(id_)
        if can(event, state):
            assert after["state"] in MOVES[event][state]
        else:
            assert after | {"expires_at": None} == before, f"{event} changed a {state} job"
        empty_stage.clear()


def test_a_job_that_crashed_too_often_fails(empty_stage: Stage, cursor: Cursor) -> None:
    id_ = rows.a_job(empty_stage, "running", crash_count="4")

    rescue(empty_stage, cursor, id_, max_crashes=5)

    assert empty_stage.job(id_)["state"] == "failed"


def test_every_state_is_live_or_final() -> None:
    assert set(State) == LIVE | FINAL
    assert not LIVE & FINAL
    assert {state for state in State if is_final(state)} == FINAL
    assert sources(Event.DUE) == ("retrying", "scheduled")


def test_a_sound_row_is_accepted(empty_stage: Stage) -> None:
    for state in State:
        rows.a_job(empty_stage, state, progress="100", retry_count="0", crash_count="0")

    assert empty_stage.count() == len(State)


NOT_SOUND = [
    *(("queued", {column: "-1"}) for column in ("attempt", "retry_count", "max_retries")),
    ("queued", {"crash_count": "-1"}),
    ("queued", {"progress": "-1"}),
    ("queued", {"progress": "101"}),
    *((state, {"finished_at": "now()"}) for state in sorted(LIVE)),
    ("running", {"started_at": "NULL"}),
    ("running", {"worker_id": "NULL"}),
    ("scheduled", {"run_at": "NULL"}),
    ("retrying", {"run_at": "NULL"}),
    *((state, {"finished_at": "NULL"}) for state in sorted(FINAL)),
    ("completed", {"state": "'nonsense'"}),
    ("queued", {"state": "'nonsense'"}),
]


def test_the_database_refuses_a_row_that_cannot_be(empty_stage: Stage) -> None:
    for state, fault in NOT_SOUND:
        with pytest.raises(CheckViolation, match="job_is_sound"):
            rows.a_job(empty_stage, state, **fault)


def test_a_job_without_one_of_its_parts_is_refused(empty_stage: Stage) -> None:
    for column in ("state", "task", "queue", "args", "kwargs"):
        with pytest.raises(NotNullViolation, match=column):
            rows.a_job(empty_stage, **{column: "NULL"})
