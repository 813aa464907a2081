"""Who is taken for dead, and what becomes of the jobs: rows of all kinds, one sweep."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from huey.api import chord

from mahaam import huey
from mahaam.jobs.states import State
from mahaam.postgres import database
from mahaam.postgres.database import Cursor
from mahaam.store import outcomes
from mahaam.workers import store as workers_store
from mahaam.workers.store import Rescued
from tests.mahaam import tasks as jobs
from tests.mahaam.rows import CRASH, a_job, a_worker, claim_of, ended
from tests.mahaam.stage import Stage

LEASE_S = 0.1  # PostgreSQL must have been up for 1.5 leases before anybody is given up
OLD = "now() - interval '1 hour'"


@pytest.fixture
def cursor(empty_stage: Stage) -> Iterator[Cursor]:
    empty_stage.ask("DELETE FROM worker")
    with database.connection() as link, link.cursor() as cursor:
        yield cursor


def held_by(stage: Stage, worker_id: str, **fields: str) -> str:
    """The id of a job that runs in a worker, by its row."""
    return a_job(stage, "running", **{"worker_id": f"'{worker_id}'"} | fields)


def sweep(cursor: Cursor) -> dict[str, Rescued]:
    """Give up and rescue as a consumer does; what was rescued, by id."""
    workers_store.give_up(cursor, lease_s=LEASE_S)
    rescued, _ = workers_store.rescue(cursor, max_crashes=5, **CRASH)
    return {job.id: job for job in rescued}


def test_one_sweep_takes_only_the_jobs_of_the_dead(empty_stage: Stage, cursor: Cursor) -> None:
    living, dead = a_worker(empty_stage), a_worker(empty_stage, lease_s=-1)
    long = held_by(empty_stage, living, started_at=OLD)
    lost = held_by(empty_stage, dead)
    fatal = held_by(empty_stage, dead, crash_count="4", retry_count="1")

    rescued = sweep(cursor)

    assert {id_: job.state for id_, job in rescued.items()} == {lost: "queued", fatal: "failed"}
    assert [empty_stage.job(id_)["state"] for id_ in (long, lost, fatal)] == [
        "running",
        "queued",
        "failed",
    ]
    states = empty_stage.ask("SELECT id::text, state FROM worker")
    assert {row["id"]: row["state"] for row in states} == {living: "running", dead: "lost"}


def test_a_rescued_job_is_charged_a_crash_and_no_retry(empty_stage: Stage, cursor: Cursor) -> None:
    worker = a_worker(empty_stage, lease_s=-1)
    id_ = held_by(empty_stage, worker, attempt="3", retry_count="2", crash_count="1")

    sweep(cursor)

    job, (attempt,) = empty_stage.job(id_), empty_stage.attempts(id_)
    assert (job["crash_count"], job["retry_count"], job["attempt"]) == (2, 2, 3)
    assert (job["worker_id"], job["started_at"], job["finished_at"]) == (None, None, None)
    assert (attempt["outcome"], attempt["number"]) == ("crashed", 3)
    assert str(attempt["worker_id"]) == worker
    assert attempt["error_class"] == "WorkerCrashed"


def test_the_fifth_crash_is_a_dead_letter(empty_stage: Stage, cursor: Cursor) -> None:
    id_ = held_by(empty_stage, a_worker(empty_stage, state="lost"), crash_count="4", attempt="5")
    empty_stage.ask(
        "INSERT INTO attempt (job_id, number, finished_at, outcome, error_class, error_message,"
        " traceback) VALUES (%s, 1, now(), 'retrying', 'ValueError', 'first', 'T')",
        id_,
    )

    sweep(cursor)

    (letter,) = empty_stage.letters(id_)
    assert (letter["error_class"], letter["first_error_class"]) == ("WorkerCrashed", "ValueError")
    assert letter["attempt"] == 5
    assert empty_stage.ask("SELECT crashed, failed FROM job_minute") == [
        {"crashed": 1, "failed": 1}
    ]


WORKERS: list[tuple[dict[str, Any], bool]] = [
    ({"state": "running", "lease_s": 60}, False),
    ({"state": "stopping", "lease_s": 60}, False),
    ({"state": "running", "lease_s": -1}, True),
    ({"state": "stopping", "lease_s": -1}, True),
    ({"state": "lost", "lease_s": 60}, True),
    ({"state": "stopped", "lease_s": 60}, True),
]


def test_a_job_is_taken_by_its_workers_lease_and_never_by_its_age(
    empty_stage: Stage, cursor: Cursor
) -> None:
    jobs = [(held_by(empty_stage, a_worker(empty_stage, **w)), taken) for w, taken in WORKERS]
    jobs += [
        (held_by(empty_stage, a_worker(empty_stage, **w), started_at=OLD), taken)
        for w, taken in WORKERS
    ]
    jobs.append((a_job(empty_stage, "running"), True))  # of a worker that nobody knows

    rescued = sweep(cursor)

    assert {id_: id_ in rescued for id_, _ in jobs} == dict(jobs)


def test_nobody_is_given_up_soon_after_postgresql_has_started(
    empty_stage: Stage, cursor: Cursor
) -> None:
    a_worker(empty_stage, lease_s=-1)

    assert workers_store.give_up(cursor, lease_s=10**6) == []
    assert len(workers_store.give_up(cursor, lease_s=LEASE_S)) == 1


def test_a_second_sweep_finds_nothing(empty_stage: Stage, cursor: Cursor) -> None:
    held_by(empty_stage, a_worker(empty_stage, lease_s=-1))

    assert len(sweep(cursor)) == 1
    assert sweep(cursor) == {}


def test_a_row_that_another_sweep_holds_is_left_to_it(empty_stage: Stage, cursor: Cursor) -> None:
    id_ = held_by(empty_stage, a_worker(empty_stage, state="lost"))
    with database.transaction() as other:
        other.execute("SELECT FROM job WHERE id = %s FOR UPDATE", (id_,))
        assert sweep(cursor) == {}

    assert id_ in sweep(cursor)


def test_a_worker_that_was_given_up_is_told_at_its_next_beat(
    empty_stage: Stage, cursor: Cursor
) -> None:
    living, dead = a_worker(empty_stage), a_worker(empty_stage, lease_s=-1)
    sweep(cursor)

    assert workers_store.beat(cursor, living, lease_s=30, memory_bytes=1) == "running"
    assert workers_store.beat(cursor, dead, lease_s=30, memory_bytes=1) is None


def test_a_beat_comes_back_from_a_lease_that_is_over_but_was_not_given_up(
    empty_stage: Stage, cursor: Cursor
) -> None:
    late = a_worker(empty_stage, lease_s=-1)

    assert workers_store.beat(cursor, late, lease_s=30, memory_bytes=1) == "running"
    assert workers_store.give_up(cursor, lease_s=LEASE_S) == []


def test_a_worker_disowns_only_what_it_does_not_hold_and_did_not_just_start(
    empty_stage: Stage, cursor: Cursor
) -> None:
    worker, other = a_worker(empty_stage), a_worker(empty_stage)
    held = held_by(empty_stage, worker, started_at=OLD)
    young = held_by(empty_stage, worker)
    forgotten = held_by(empty_stage, worker, started_at=OLD)
    of_another = held_by(empty_stage, other, started_at=OLD)

    assert [job.id for job in workers_store.disown(cursor, worker, [held])] == [forgotten]

    states = [empty_stage.job(id_)["state"] for id_ in (held, young, forgotten, of_another)]
    assert states == ["running", "running", "queued", "running"]
    assert empty_stage.job(forgotten)["crash_count"] == 0


def test_release_gives_back_everything_of_one_worker(empty_stage: Stage, cursor: Cursor) -> None:
    worker, other = a_worker(empty_stage), a_worker(empty_stage)
    mine = {held_by(empty_stage, worker), held_by(empty_stage, worker)}
    held_by(empty_stage, other)

    assert {job.id for job in workers_store.release_all(cursor, worker)} == mine

    assert empty_stage.count("state = 'queued' AND crash_count = 0 AND retry_count = 0") == 2
    outcomes = empty_stage.ask("SELECT outcome FROM attempt")
    assert [row["outcome"] for row in outcomes] == ["released", "released"]


def test_what_was_to_stop_is_cancelled_and_never_queued_again(
    empty_stage: Stage, cursor: Cursor
) -> None:
    worker, dead = a_worker(empty_stage), a_worker(empty_stage, lease_s=-1)
    wish = {"cancel_requested_at": "now()", "cancel_requested_by": "'ann'"}
    disowned = held_by(empty_stage, worker, started_at=OLD, **wish)
    rescued = [held_by(empty_stage, dead, crash_count=count, **wish) for count in ("0", "4")]
    assert [job.state for job in workers_store.disown(cursor, worker, [])] == ["cancelled"]
    released = held_by(empty_stage, worker, **wish)

    assert [job.state for job in workers_store.release_all(cursor, worker)] == ["cancelled"]
    assert {job.state for job in sweep(cursor).values()} == {"cancelled"}

    assert empty_stage.count("state = 'cancelled' AND finished_at IS NOT NULL") == 4
    outcomes = {id_: empty_stage.attempts(id_) for id_ in (disowned, *rescued, released)}
    assert [[row["outcome"] for row in rows] for rows in outcomes.values()] == [
        [],
        ["crashed"],
        ["crashed"],
        ["cancelled"],
    ]
    assert empty_stage.ask("SELECT crashed, cancelled, failed FROM job_minute") == [
        {"crashed": 2, "cancelled": 2, "failed": 0}
    ]


def test_a_job_that_crashes_too_often_tells_handler_and_chord(
    empty_stage: Stage, cursor: Cursor
) -> None:
    dead = a_worker(empty_stage, state="lost")
    member = jobs.nothing.s().error(jobs.echo)
    result = huey.enqueue(chord([member], jobs.echo.s()))
    empty_stage.ask(
        "UPDATE job SET state = 'running', started_at = now(), worker_id = %s, crash_count = 4"
        " WHERE id = %s",
        dead,
        member.id,
    )

    workers_store.rescue(cursor, max_crashes=5, **CRASH)

    handler, callback = empty_stage.ask(
        "SELECT id::text, args FROM job WHERE state = 'queued' ORDER BY id = %s", result.callback.id
    )
    assert handler["args"] == ["WorkerCrashed: It ended."]
    assert callback["id"] == result.callback.id
    assert callback["args"][0][0]["$error"]["error"] == "WorkerCrashed: It ended."


def end_retrying(stage: Stage, cursor: Cursor, worker: str, member: str) -> None:
    pairs = [ended(claim_of(stage, member), State.RETRYING)]
    outcomes.follow(cursor, pairs, outcomes.end(cursor, pairs))


WAYS: dict[str, Callable[[Stage, Cursor, str, str], object]] = {
    "rescued": lambda stage, cursor, worker, member: workers_store.rescue(
        cursor, max_crashes=5, **CRASH
    ),
    "released": lambda stage, cursor, worker, member: workers_store.release_all(cursor, worker),
    "disowned": lambda stage, cursor, worker, member: workers_store.disown(cursor, worker, []),
    "to be retried": end_retrying,
}


@pytest.mark.parametrize("way", WAYS)
def test_a_stopped_member_that_would_run_again_tells_its_chord(
    empty_stage: Stage, cursor: Cursor, way: str
) -> None:
    worker = a_worker(empty_stage, state="lost" if way == "rescued" else "running")
    member = jobs.nothing.s()
    huey.enqueue(chord([member], jobs.echo.s()))
    empty_stage.ask(
        "UPDATE job SET state = 'running', started_at = now() - interval '1 h', worker_id = %s,"
        " cancel_requested_at = now() WHERE id = %s",
        worker,
        member.id,
    )

    WAYS[way](empty_stage, cursor, worker, member.id)

    assert empty_stage.job(member.id)["state"] == "cancelled"
    (callback,) = empty_stage.ask("SELECT args FROM job WHERE state = 'queued'")
    assert callback["args"] == [[{"$skipped": True}]]


def test_workers_that_ended_long_ago_are_forgotten(empty_stage: Stage, cursor: Cursor) -> None:
    kept = {a_worker(empty_stage), a_worker(empty_stage, state="lost")}
    a_worker(empty_stage, state="stopped")
    empty_stage.ask("UPDATE worker SET stopped_at = now()")
    empty_stage.ask(
        "UPDATE worker SET stopped_at = now() - interval '2 days' WHERE state = 'stopped'"
    )

    workers_store.prune(cursor)

    assert {row["id"] for row in empty_stage.ask("SELECT id::text FROM worker")} == kept
