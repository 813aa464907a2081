"""Operations: a verb for some jobs at once, or for all that match; their results, and undo."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any
from uuid import UUID

import psycopg2
import pytest
from huey.api import chord

from mahaam import enqueue, huey, verbs
from mahaam.core.errors import DatabaseUnavailable, OptionNotValid, UnknownQueue
from mahaam.core.translatable import Translatable
from mahaam.jobs.states import HELD_UNTIL, MOVES, Event, State
from mahaam.operations import batch, lifecycle, selection, undo
from mahaam.postgres import database
from mahaam.queries.dead_letter_list import DeadLetterFilter
from mahaam.search.job_filter import JobFilter
from mahaam.verbs import ACTS, OperationRequest
from tests.mahaam import rows
from tests.mahaam import tasks as jobs
from tests.mahaam.stage import Stage
from tests.servers import owner_url

PARAMETERS: dict[str, dict[str, Any]] = {
    "set_priority": {"priority": 7},
    "move": {"queue": "orders"},
    "reschedule": {"delay_s": 3600.0},
}
JOB_VERBS = [verb for verb, act in ACTS.items() if act.kind == "job"]
UNDOABLE = [verb for verb in JOB_VERBS if ACTS[verb].is_undoable]
KEPT = "id, state, run_at, queue, priority, finished_at, queued_at, attempt, dedupe_key"


@pytest.fixture(autouse=True)
def _no_operations(empty_stage: Stage) -> None:
    empty_stage.ask("DELETE FROM operation; DELETE FROM task_pause")
    empty_stage.add("queue", name="orders")


def order(verb: str, **more: Any) -> OperationRequest:
    return OperationRequest(verb, **{"by": "ann", "parameters": PARAMETERS.get(verb, {})} | more)


def carry_out(verb: str, *ids: str, **more: Any) -> verbs.VerbResult:
    return verbs.carry_out(order(verb, **more), [UUID(id_) for id_ in ids])


def work_off() -> int:
    """Do all chunks that there are to be done; how many that were."""
    count = 0
    while lifecycle.work_on_next():
        count += 1
    return count


def operation(stage: Stage, id_: int) -> dict[str, Any]:
    return stage.ask("SELECT * FROM operation WHERE id = %s", id_)[0]


def results(stage: Stage, id_: int) -> list[dict[str, Any]]:
    return stage.ask("SELECT * FROM operation_result WHERE operation_id = %s ORDER BY number", id_)


def a_letter(stage: Stage, job_id: str | None = None) -> int:
    job_id = job_id or rows.a_job(stage, "failed", attempt="1")
    return int(stage.add("dead_letter", of=job_id, retry_count=1))


def kept(stage: Stage, id_: str) -> dict[str, Any]:
    return stage.ask(f"SELECT {KEPT} FROM job WHERE id = %s", id_)[0]


@pytest.mark.parametrize("verb", JOB_VERBS)
def test_a_verb_is_done_to_the_states_that_it_takes_and_each_result_is_kept(
    empty_stage: Stage, verb: str
) -> None:
    jobs = {state: rows.a_job(empty_stage, state, attempt="1") for state in State}
    takes = ACTS[verb].sources

    report = carry_out(verb, *jobs.values(), reason="a test")

    assert set(report.done) == {UUID(jobs[state]) for state in State if state in takes}
    assert set(report.refused) == {UUID(jobs[s]) for s in State if s not in takes}
    made = operation(empty_stage, report.operation_id)
    assert (made["state"], made["done"], made["refused"], made["reason"]) == (
        "finished", len(takes), len(State) - len(takes), "a test",
    )  # fmt: skip
    found = {str(row["job_id"]): row for row in results(empty_stage, report.operation_id)}
    assert len(found) == len(State)
    for state, id_ in jobs.items():
        assert found[id_]["is_done"] is (state in takes)
        assert found[id_]["before"]["state"] == state
        assert (found[id_]["fact"] is None) is (state in takes)


def test_a_completed_job_becomes_a_failed_one_with_a_dead_letter(empty_stage: Stage) -> None:
    id_ = rows.a_job(empty_stage, "completed", attempt="1", started_at="now()")

    carry_out("fail", id_, reason="fire drill")

    job, (letter,), (attempt,) = (
        empty_stage.job(id_), empty_stage.letters(id_), empty_stage.attempts(id_),
    )  # fmt: skip
    assert (job["state"], job["error"]) == (
        "failed", "TurnedIntoFailure: Turned into a failure by ann: fire drill",
    )  # fmt: skip
    assert (letter["error_class"], letter["attempt"]) == ("TurnedIntoFailure", 1)
    assert (attempt["outcome"], attempt["number"]) == ("completed", 1)


def test_a_job_that_was_turned_into_a_failure_can_be_retried(empty_stage: Stage) -> None:
    id_ = rows.a_job(empty_stage, "completed", attempt="1", started_at="now()")
    assert verbs.apply("fail", [UUID(id_)], by="ann").done == (UUID(id_),)

    assert verbs.apply("retry", [UUID(id_)], by="bob").done == (UUID(id_),)

    assert empty_stage.job(id_)["state"] == "queued"
    assert empty_stage.letters(id_)[0]["reprocessed_by"] == "bob"
    refused = verbs.apply("fail", [UUID(id_)], by="ann").refused[UUID(id_)]
    assert str(refused) == f"Job {id_} cannot be turned into a failed one: it is queued."


def test_an_operation_goes_through_all_that_match_and_nothing_else(empty_stage: Stage) -> None:
    wanted = [rows.a_job(empty_stage, "failed", queue="'orders'") for _ in range(7)]
    others = [rows.a_job(empty_stage, "failed"), rows.a_job(empty_stage, "expired")]
    id_ = verbs.start(order("retry"), JobFilter(state="failed", queue="orders"), expected=7)
    late = rows.a_job(empty_stage, "failed", queue="'orders'")

    assert operation(empty_stage, id_)["state"] == "waiting"
    assert work_off() == 1

    assert {empty_stage.job(job)["state"] for job in wanted} == {"queued"}
    assert {empty_stage.job(job)["state"] for job in [*others, late]} == {"failed", "expired"}
    made = operation(empty_stage, id_)
    assert (made["state"], made["done"], made["refused"]) == ("finished", 7, 0)
    assert set(empty_stage.rung("orders")) == set(wanted)


def test_a_long_operation_is_done_chunk_by_chunk_through_all_states_of_its_verb(
    empty_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "CHUNK", 3)
    jobs = [rows.a_job(empty_stage, state) for state in State for _ in range(5)]
    id_ = verbs.start(order("cancel"), JobFilter())

    assert work_off() >= 6

    assert empty_stage.count("state = 'cancelled'") == 20
    made = operation(empty_stage, id_)
    assert (made["done"], made["refused"], made["state"]) == (15, 0, "finished")
    numbers = [row["number"] for row in results(empty_stage, id_)]
    assert numbers == list(range(1, 16))
    assert len({row["job_id"] for row in results(empty_stage, id_)}) == 15
    assert len(jobs) == 40


@pytest.mark.parametrize("verb", ["retry", "duplicate"])
def test_a_job_that_is_met_again_on_the_way_is_not_done_twice(
    empty_stage: Stage, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.setattr(lifecycle, "CHUNK", 3)
    failed = [rows.a_job(empty_stage, "failed") for _ in range(2)]
    others = [rows.a_job(empty_stage, "completed") for _ in range(2)]
    id_ = verbs.start(order(verb), JobFilter())

    while len(results(empty_stage, id_)) < 2:
        assert lifecycle.work_on_next()
    # They ran meanwhile, and the walk has not come to the completed ones yet.
    empty_stage.ask(
        "UPDATE job SET state = 'completed', started_at = now(), finished_at = now(), attempt = attempt + 1,"
        " worker_id = gen_random_uuid() WHERE id = ANY(%s::uuid[])",
        failed,
    )
    work_off()

    met = [str(row["job_id"]) for row in results(empty_stage, id_)]
    assert sorted(met) == sorted([*failed, *others])


def test_a_job_that_moved_on_meanwhile_is_refused_with_the_fact(
    empty_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = rows.a_job(empty_stage, "queued")
    id_ = verbs.start(order("cancel"), JobFilter(state="queued"))
    take = batch.do

    def started_first(*given: Any) -> Any:
        empty_stage.ask(
            "UPDATE job SET state = 'running', attempt = 1, started_at = now(),"
            " worker_id = gen_random_uuid() WHERE id = %s",
            job,
        )
        return take(*given)

    monkeypatch.setattr(batch, "do", started_first)
    work_off()

    (result,) = results(empty_stage, id_)
    assert not result["is_done"]
    assert "it is running. Stop it instead" in str(Translatable.of_kept(result["fact"]))
    assert empty_stage.job(job)["state"] == "running"


def test_an_aborted_operation_does_no_further_chunk(
    empty_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "CHUNK", 2)
    for _ in range(6):
        rows.a_job(empty_stage, "failed")
    id_ = verbs.start(order("retry"), JobFilter(state="failed"))
    lifecycle.work_on_next()

    assert verbs.abort(id_, by="bob") is None

    assert work_off() == 0
    made = operation(empty_stage, id_)
    assert (made["state"], made["done"], made["aborted_by"]) == ("aborted", 2, "bob")
    assert empty_stage.count("state = 'failed'") == 4
    assert str(verbs.abort(id_, by="bob")) == (
        f"Operation {id_} cannot be aborted: it was aborted 0 s ago."
    )


def test_what_cannot_be_done_is_aborted_and_not_tried_for_ever(empty_stage: Stage) -> None:
    rows.a_job(empty_stage, "failed")
    id_ = verbs.start(order("retry"), JobFilter(state="failed"))
    empty_stage.ask("UPDATE operation SET filter = '{\"from_the_future\": 1}'")

    assert work_off() == 1

    made = operation(empty_stage, id_)
    assert made["state"] == "aborted"
    assert "from_the_future" in made["fault"]
    assert empty_stage.count("state = 'failed'") == 1


def test_retries_can_be_spread_over_a_time(empty_stage: Stage) -> None:
    for _ in range(20):
        rows.a_job(empty_stage, "failed")
    spread = order("retry", parameters={"spread_s": 600.0})
    verbs.start(spread, JobFilter(state="failed"))

    work_off()

    assert empty_stage.count("state = 'scheduled' AND run_at > now() AND queued_at IS NULL") == 20
    assert empty_stage.count("run_at <= now() + interval '10 minutes'") == 20
    assert len({row["run_at"] for row in empty_stage.ask("SELECT run_at FROM job")}) == 20
    assert empty_stage.rung() == {}


def test_two_consumers_do_no_chunk_twice(empty_stage: Stage) -> None:
    job = rows.a_job(empty_stage, "failed")
    verbs.start(order("retry"), JobFilter(state="failed"))

    with database.transaction() as cursor:
        assert lifecycle.store.take(cursor) is not None
        assert lifecycle.work_on_next() is False  # somebody else is at it
    assert lifecycle.work_on_next() is True

    assert empty_stage.job(job)["state"] == "queued"


def test_dead_letters_are_reprocessed_and_resolved_by_filter(empty_stage: Stage) -> None:
    here = [a_letter(empty_stage) for _ in range(3)]
    there = a_letter(empty_stage, rows.a_job(empty_stage, "failed", queue="'orders'"))
    dealt_with = a_letter(empty_stage)
    verbs.apply("resolve", [dealt_with], by="bob")

    verbs.start(order("reprocess"), DeadLetterFilter(queue="default"))
    verbs.start(order("resolve", parameters={"note": "known"}), DeadLetterFilter(queue="orders"))
    work_off()

    marks = {
        row["id"]: (row["reprocessed_by"], row["resolved_by"], row["resolution_note"])
        for row in empty_stage.ask("SELECT * FROM dead_letter")
    }
    assert marks == dict.fromkeys(here, ("ann", None, None)) | {
        there: (None, "ann", "known"),
        dealt_with: (None, "bob", None),
    }


def test_operators_of_jobs_and_of_dead_letters_do_not_block_each_other(empty_stage: Stage) -> None:
    failed = [rows.a_job(empty_stage, "failed", attempt="1") for _ in range(60)]
    letters = [a_letter(empty_stage, job) for job in failed]
    wanted = [UUID(job) for job in failed]

    with ThreadPoolExecutor(4) as pool:
        asked = [
            pool.submit(verbs.carry_out, order("retry"), wanted),
            pool.submit(verbs.carry_out, order("reprocess"), letters[::-1]),
            pool.submit(verbs.carry_out, order("retry"), wanted[::-1]),
            pool.submit(verbs.carry_out, order("reprocess"), letters),
        ]
    reports = [answer.result() for answer in asked]

    assert sorted(len(verdict.done) for verdict in reports) == [0, 0, 0, 60]
    assert [len(verdict.done) + len(verdict.refused) for verdict in reports] == [60] * 4


def test_an_order_that_makes_no_sense_is_refused_before_it_is_kept(empty_stage: Stage) -> None:
    for verb, given in (
        ("set_priority", {}),
        ("set_priority", {"priority": "high"}),
        ("reschedule", {}),
        ("reschedule", {"delay_s": -1.0}),
        ("retry", {"spread_s": 0.0}),
        ("retry", {"spread_s": 1e9}),
    ):
        with pytest.raises(OptionNotValid):
            verbs.start(order(verb, parameters=given), JobFilter())
    with pytest.raises(UnknownQueue):
        verbs.start(order("move", parameters={"queue": "nonsense"}), JobFilter())
    assert empty_stage.ask("SELECT id FROM operation") == []


@pytest.mark.parametrize("verb", UNDOABLE)
def test_what_is_undone_is_as_it_was_before(empty_stage: Stage, verb: str) -> None:
    jobs = [rows.a_job(empty_stage, state, run_at=RUN_AT[state]) for state in ACTS[verb].sources]
    before = {id_: kept(empty_stage, id_) for id_ in jobs}
    report = carry_out(verb, *jobs)
    assert {id_: kept(empty_stage, id_) for id_ in jobs} != before

    answer = verbs.undo(report.operation_id, by="bob")

    assert answer == verbs.UndoResult(None, undone=len(jobs), kept=0, is_over=True)
    assert {id_: kept(empty_stage, id_) for id_ in jobs} == before
    made = operation(empty_stage, report.operation_id)
    assert (made["state"], made["undone_by"], made["undone"]) == ("undone", "bob", len(jobs))
    queued = {id_ for id_ in jobs if before[id_]["state"] == "queued"}
    assert set(empty_stage.rung()) == queued
    assert empty_stage.rung("orders") == {}


RUN_AT = dict.fromkeys(State, "NULL") | {
    State.SCHEDULED: "now() + interval '1 hour'",
    State.RETRYING: "now() + interval '1 minute'",
}


def test_every_undo_is_a_move_of_the_table() -> None:
    for verb in UNDOABLE:
        for source in ACTS[verb].sources:
            for left in ACTS[verb].left_in if verb in ("cancel", "promote") else [source]:
                assert source in MOVES[Event.UNDONE][State(left)], (verb, source, left)


@pytest.mark.parametrize("verb", UNDOABLE)
def test_what_has_moved_on_stays_and_is_told(empty_stage: Stage, verb: str) -> None:
    moved = rows.a_job(empty_stage, "scheduled", run_at="now() + interval '1 hour'")
    still = rows.a_job(empty_stage, "scheduled", run_at="now() + interval '1 hour'")
    report = carry_out(verb, moved, still)
    empty_stage.ask(
        "UPDATE job SET state = 'running', attempt = 1, started_at = now(), finished_at = NULL,"
        " worker_id = gen_random_uuid() WHERE id = %s",
        moved,
    )

    answer = verbs.undo(report.operation_id, by="ann")

    assert (answer.undone, answer.kept) == (1, 1)
    assert empty_stage.job(moved)["state"] == "running"
    told = {
        str(row["job_id"]): row["undo_fact"] for row in results(empty_stage, report.operation_id)
    }
    assert told[still] is None
    assert (
        str(Translatable.of_kept(told[moved])) == f"Job {moved} cannot be put back: it is running."
    )


def test_a_priority_that_somebody_changed_again_is_left(empty_stage: Stage) -> None:
    job = rows.a_job(empty_stage)
    report = carry_out("set_priority", job)
    verbs.apply("set_priority", [UUID(job)], priority=3, by="bob")

    assert verbs.undo(report.operation_id, by="ann").kept == 1

    assert empty_stage.job(job)["priority"] == 3
    (result,) = results(empty_stage, report.operation_id)
    assert "it was changed since" in str(Translatable.of_kept(result["undo_fact"]))


def test_an_undone_cancel_does_not_make_two_live_jobs_with_one_key(empty_stage: Stage) -> None:
    job = rows.a_job(empty_stage, dedupe_key="'k'")
    report = carry_out("cancel", job)
    holder = rows.a_job(empty_stage, dedupe_key="'k'")

    assert verbs.undo(report.operation_id, by="ann").kept == 1

    (result,) = results(empty_stage, report.operation_id)
    assert holder in str(Translatable.of_kept(result["undo_fact"]))
    assert empty_stage.job(job)["state"] == "cancelled"


def test_a_held_job_whose_pause_is_over_is_queued_when_its_cancel_is_undone(
    empty_stage: Stage,
) -> None:
    task = "tests.mahaam.tasks.nothing"
    held, free = (
        rows.a_job(empty_stage, "scheduled", run_at=f"'{HELD_UNTIL.isoformat()}'", task=f"'{name}'")
        for name in (task, "tests.mahaam.tasks.add")
    )
    verbs.pause_tasks([task], verbs.pause(by="ann"))
    report = carry_out("cancel", held, free)

    verbs.undo(report.operation_id, by="ann")

    assert (empty_stage.job(held)["state"], empty_stage.job(held)["run_at"]) == (
        "scheduled", HELD_UNTIL,
    )  # fmt: skip
    assert empty_stage.job(free)["state"] == "queued"
    assert set(empty_stage.rung()) == {free}


def test_an_undo_comes_too_late_after_the_window(empty_stage: Stage) -> None:
    job = rows.a_job(empty_stage)
    report = carry_out("cancel", job)
    empty_stage.ask("UPDATE operation SET finished_at = now() - interval '11 seconds'")

    refusal = verbs.undo(report.operation_id, by="ann").refusal

    assert str(refusal) == (
        f"Operation {report.operation_id} cannot be undone: "
        "it ended 11 s ago, and 10 s are allowed."
    )
    assert empty_stage.job(job)["state"] == "cancelled"


def test_an_undo_is_refused_with_the_fact(empty_stage: Stage) -> None:
    retried = carry_out("retry", rows.a_job(empty_stage, "failed")).operation_id
    nothing = carry_out("cancel", rows.a_job(empty_stage, "completed")).operation_id
    undone = carry_out("cancel", rows.a_job(empty_stage)).operation_id
    verbs.undo(undone, by="bob")
    running = verbs.start(order("cancel"), JobFilter(state="queued"))

    told = {
        id_: str(verbs.undo(id_, by="ann").refusal)
        for id_ in (retried, nothing, undone, running, 0)
    }

    assert told == {
        retried: f"Operation {retried} cannot be undone: what it did cannot be taken back.",
        nothing: f"Operation {nothing} cannot be undone: it changed nothing.",
        undone: f"Operation {undone} cannot be undone: bob has undone it.",
        running: f"Operation {running} cannot be undone: it is not over. Abort it first.",
        0: "No operation 0 exists.",
    }


def test_a_long_undo_is_worked_off_by_consumers(
    empty_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(undo, "AT_ONCE", 4)
    monkeypatch.setattr(undo, "CHUNK", 2)
    for _ in range(5):
        rows.a_job(empty_stage)
    id_ = verbs.start(order("cancel"), JobFilter(state="queued"))
    work_off()

    assert verbs.undo(id_, by="ann") == verbs.UndoResult(None, 0, 0, is_over=False)
    assert operation(empty_stage, id_)["state"] == "undoing"
    work_off()

    made = operation(empty_stage, id_)
    assert (made["state"], made["undone"], made["kept"]) == ("undone", 5, 0)
    assert empty_stage.count("state = 'queued'") == 5


def test_a_resolved_dead_letter_is_open_again_when_that_is_undone(empty_stage: Stage) -> None:
    first, second = a_letter(empty_stage), a_letter(empty_stage)
    resolve = order("resolve", parameters={"note": "known"})
    report = verbs.carry_out(resolve, [first, second, 2**70])
    empty_stage.ask("UPDATE dead_letter SET resolution_note = 'mine' WHERE id = %s", second)

    answer = verbs.undo(report.operation_id, by="ann")

    assert report.done == (first, second)
    assert (answer.undone, answer.kept) == (1, 1)
    found = empty_stage.ask("SELECT id, resolved_by, resolution_note FROM dead_letter ORDER BY id")
    assert [tuple(row.values()) for row in found] == [(first, None, None), (second, "ann", "mine")]


def test_a_cancel_of_which_a_chord_knows_is_not_undone(empty_stage: Stage) -> None:
    huey.enqueue(chord([jobs.add.s(1, 2), jobs.add.s(3, 4)], jobs.echo.s()))
    free = enqueue("tests.mahaam.tasks.nothing")
    member = empty_stage.ask("SELECT id::text FROM job WHERE options IS NOT NULL LIMIT 1")[0]["id"]
    report = carry_out("cancel", member, str(free.id))

    answer = verbs.undo(report.operation_id, by="ann")

    assert (answer.undone, answer.kept) == (1, 1)
    assert empty_stage.job(member)["state"] == "cancelled"
    assert empty_stage.job(free.id)["state"] == "queued"
    told = [row["undo_fact"] for row in results(empty_stage, report.operation_id)]
    assert "its chord was told that it ended" in str(Translatable.of_kept(told[0]))


def test_what_is_found_at_once_is_everything_or_left_to_consumers(
    empty_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "AT_ONCE", 3)
    few = [rows.a_job(empty_stage, state) for state in ("queued", "retrying", "scheduled")]
    rows.a_job(empty_stage, "completed")

    assert set(verbs.find(order("cancel"), JobFilter(), until=None) or []) == set(map(UUID, few))
    assert verbs.find(order("cancel"), JobFilter(queue="nobody"), until=None) == []
    rows.a_job(empty_stage)
    assert verbs.find(order("cancel"), JobFilter(), until=None) is None
    monkeypatch.setattr(selection, "STEPS_AT_ONCE", 1)
    assert verbs.find(order("cancel"), JobFilter(queue="nobody"), until=None) is None


MEETING = """
CREATE SEQUENCE meeting;
GRANT USAGE ON SEQUENCE meeting TO PUBLIC;
CREATE FUNCTION meet() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF nextval('mahaam.meeting') <= {count} THEN
    RAISE EXCEPTION USING ERRCODE = 'deadlock_detected', MESSAGE = 'deadlock detected';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER meet BEFORE UPDATE ON job FOR EACH ROW EXECUTE FUNCTION meet();
"""
PARTED = "DROP TRIGGER meet ON job; DROP FUNCTION meet; DROP SEQUENCE meeting"


@contextmanager
def meetings(stage: Stage, count: int) -> Iterator[None]:
    """Let the next transactions that change a job be the ones that PostgreSQL ends in a deadlock."""
    with closing(psycopg2.connect(owner_url(stage.database_url))) as owner:
        owner.autocommit = True
        cursor = owner.cursor()
        cursor.execute("SET search_path = mahaam")
        cursor.execute(MEETING.format(count=count))
        try:
            yield
        finally:
            cursor.execute(PARTED)


def test_an_operator_who_meets_a_consumer_in_a_deadlock_is_served(empty_stage: Stage) -> None:
    id_ = rows.a_job(empty_stage)
    with meetings(empty_stage, 3):
        assert carry_out("cancel", id_).done == (UUID(id_),)
    assert empty_stage.job(id_)["state"] == "cancelled"
    assert len(empty_stage.ask("SELECT FROM operation")) == 1


def test_one_who_meets_others_again_and_again_is_told_to_try_again(empty_stage: Stage) -> None:
    id_ = rows.a_job(empty_stage)
    with meetings(empty_stage, 100), pytest.raises(DatabaseUnavailable, match="Try again"):
        carry_out("cancel", id_)
    assert empty_stage.job(id_)["state"] == "queued"
    assert not empty_stage.ask("SELECT FROM operation")
