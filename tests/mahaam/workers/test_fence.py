"""The fence: only the worker that started an attempt writes its end, once, and late ones are noted."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any
from uuid import uuid4

import pytest

from mahaam.jobs.claim import Claim
from mahaam.jobs.log_line import ProgressUpdate
from mahaam.jobs.states import State
from mahaam.postgres import database
from mahaam.postgres.database import Cursor
from mahaam.store import exchange, outcomes, progress
from mahaam.workers import store as workers_store
from tests.machine import within
from tests.mahaam import rows
from tests.mahaam.rows import a_job, a_worker, claim_of, ended
from tests.mahaam.stage import Stage
from tests.waiting import wait_until

OTHER_WORKER = {"worker_id": str(uuid4())}
MARK = "UPDATE job SET created_by = 'somebody' WHERE id = ANY(%s::uuid[])"
WAITS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
WRITES = [State.COMPLETED, State.FAILED, State.RETRYING, State.CANCELLED, State.QUEUED]


@pytest.fixture
def cursor(empty_stage: Stage) -> Iterator[Cursor]:
    """A cursor on a connection of a consumer."""
    link = database.open_link("test")
    with link.cursor() as cursor:
        cursor.execute(exchange.PREPARE)
        yield cursor
    link.close()


def write(cursor: Cursor, claim: Claim, state: State, **fields: Any) -> set[tuple[str, int]]:
    """End an attempt as a dispatcher does; the fences that held."""
    pairs = [ended(claim, state, **fields)]
    if state is State.COMPLETED:
        worker = claim.worker_id
        return exchange.exchange(cursor, pairs, [], worker_id=worker, unsure=[], durable=True)[0]
    return outcomes.end(cursor, pairs)


def start(
    cursor: Cursor, worker: str, popped: list[str], *, unsure: list[str] | None = None
) -> list[Claim]:
    return exchange.exchange(
        cursor, [], popped, worker_id=worker, unsure=unsure or [], durable=False
    )[1]


def test_only_the_holder_of_a_running_attempt_ends_it(empty_stage: Stage, cursor: Cursor) -> None:
    for state in WRITES:
        id_ = a_job(empty_stage, "running", attempt="2")
        before, claim = empty_stage.job(id_), claim_of(empty_stage, id_)

        for fault in ({"attempt": 1}, {"attempt": 3}, OTHER_WORKER, {"id": str(uuid4())}):
            assert write(cursor, claim._replace(**fault), state) == set()
        assert empty_stage.job(id_) == before

        assert write(cursor, claim, state) == {(id_, 2)}
        assert empty_stage.job(id_)["state"] == state
        assert write(cursor, claim, state) == set()


def test_nobody_ends_what_does_not_run(empty_stage: Stage, cursor: Cursor) -> None:
    for state in set(State) - {State.RUNNING}:
        id_ = a_job(empty_stage, state, worker_id="gen_random_uuid()", attempt="1")
        before = empty_stage.job(id_)

        for outcome in WRITES:
            assert write(cursor, claim_of(empty_stage, id_), outcome) == set()

        assert empty_stage.job(id_) == before
    assert (
        empty_stage.ask("SELECT 1 FROM attempt")
        == empty_stage.ask("SELECT 1 FROM job_minute")
        == []
    )


def test_what_is_refused_leaves_no_attempt_and_no_count(empty_stage: Stage, cursor: Cursor) -> None:
    claim = claim_of(empty_stage, a_job(empty_stage, "running"), **OTHER_WORKER)

    for state in WRITES:
        write(cursor, claim, state)

    for table in ("attempt", "dead_letter", "job_minute"):
        assert empty_stage.ask(f"SELECT 1 FROM {table}") == []


def test_progress_is_fenced_too(empty_stage: Stage, cursor: Cursor) -> None:
    id_ = a_job(empty_stage, "running", attempt="2")
    claim = claim_of(empty_stage, id_)

    assert not progress.write(cursor, [ProgressUpdate(claim._replace(attempt=1), 10, "old")])
    assert empty_stage.job(id_)["progress"] is None
    assert progress.write(cursor, [ProgressUpdate(claim, 20, "new")]) == {claim.fence}
    assert empty_stage.job(id_)["progress"] == 20


def test_an_exchange_completes_and_starts_at_one_instant(
    empty_stage: Stage, cursor: Cursor
) -> None:
    worker = a_worker(empty_stage)
    done = a_job(empty_stage, "running", worker_id=f"'{worker}'")
    following = a_job(empty_stage, args="'[1]'", timeout_s="5", priority="3")

    written, claims = exchange.exchange(
        cursor,
        [ended(claim_of(empty_stage, done), State.COMPLETED, result="7")],
        [following],
        worker_id=worker,
        unsure=[],
        durable=True,
    )

    assert written == {(done, 1)}
    assert [(c.id, c.attempt, c.worker_id, c.args, c.timeout_s) for c in claims] == [
        (following, 1, worker, "[1]", 5.0)
    ]
    assert empty_stage.job(done)["finished_at"] == empty_stage.job(following)["started_at"]


def test_only_a_queued_job_is_started_and_only_once(empty_stage: Stage, cursor: Cursor) -> None:
    worker = a_worker(empty_stage)
    ids = {str(state): a_job(empty_stage, state) for state in State}

    claims = start(cursor, worker, [*ids.values(), ids["queued"], str(uuid4())])

    assert [claim.id for claim in claims] == [ids["queued"]]
    assert start(cursor, worker, [ids["queued"]]) == []


def test_a_worker_that_was_given_up_starts_nothing(empty_stage: Stage, cursor: Cursor) -> None:
    id_ = a_job(empty_stage)

    for state in ("lost", "stopped"):
        assert start(cursor, a_worker(empty_stage, state=state), [id_]) == []
    assert start(cursor, str(uuid4()), [id_]) == []
    assert empty_stage.job(id_)["state"] == "queued"


def test_an_end_and_a_start_wait_for_a_mark_that_comes_at_the_same_moment(
    empty_stage: Stage, cursor: Cursor
) -> None:
    worker, old, new = a_worker(empty_stage), a_job(empty_stage), a_job(empty_stage)
    (claim,) = start(cursor, worker, [old])

    with closing(database.open_link("other")) as other, ThreadPoolExecutor() as threads:
        marking = other.cursor()
        marking.execute("BEGIN")
        marking.execute(MARK, ([old, new],))
        turn = threads.submit(
            exchange.exchange, cursor, [ended(claim, State.COMPLETED)], [new],
            worker_id=worker, unsure=[], durable=False,
        )  # fmt: skip
        wait_until(lambda: empty_stage.ask(WAITS))
        marking.execute("COMMIT")
        written, claims = turn.result(timeout=within(10))

    assert (written, [claim.id for claim in claims]) == ({claim.fence}, [new])
    assert empty_stage.job(old)["state"] == "completed"


def test_a_start_whose_answer_was_lost_is_heard_again(empty_stage: Stage, cursor: Cursor) -> None:
    worker, other = a_worker(empty_stage), a_worker(empty_stage)
    mine, foreign = a_job(empty_stage), a_job(empty_stage)
    start(cursor, worker, [mine])
    start(cursor, other, [foreign])

    claims = start(cursor, worker, [mine, foreign], unsure=[mine, foreign])

    assert [(claim.id, claim.attempt) for claim in claims] == [(mine, 1)]


def test_a_job_that_ends_is_not_taken_for_a_start_whose_answer_was_lost(
    empty_stage: Stage, cursor: Cursor
) -> None:
    worker, id_ = a_worker(empty_stage), a_job(empty_stage)
    (claim,) = start(cursor, worker, [id_])

    written, claims = exchange.exchange(
        cursor,
        [ended(claim, State.COMPLETED)],
        [id_],  # a doubled notice
        worker_id=worker,
        unsure=[id_],
        durable=True,
    )

    assert (written, claims) == ({claim.fence}, [])
    assert empty_stage.job(id_)["state"] == "completed"


def test_an_expired_job_is_not_started_and_one_in_time_is(
    empty_stage: Stage, cursor: Cursor
) -> None:
    over = a_job(empty_stage, expires_at="now()")
    in_time = a_job(empty_stage, expires_at="now() + interval '1 min'")

    worker_id = a_worker(empty_stage)

    claims = start(cursor, worker_id, [over, in_time])
    exchange.expire(cursor, [over, in_time], worker_id=worker_id)

    assert [claim.id for claim in claims] == [in_time]
    assert empty_stage.job(in_time)["state"] == "running"
    assert empty_stage.job(over)["state"] == "expired"
    assert empty_stage.job(over)["attempt"] == 0


def test_what_was_written_is_known_although_its_answer_was_lost(
    empty_stage: Stage, cursor: Cursor
) -> None:
    for state in WRITES:
        pair = ended(claim_of(empty_stage, a_job(empty_stage, "running")), state)
        assert outcomes.already_written(cursor, [pair]) == set()

        write(cursor, pair[0], state)

        assert outcomes.already_written(cursor, [pair]) == {pair[0].fence}
        foreign = pair[0]._replace(**OTHER_WORKER), pair[1]
        assert outcomes.already_written(cursor, [foreign]) == set()


def test_a_crash_is_not_taken_for_the_lost_answer(empty_stage: Stage, cursor: Cursor) -> None:
    pair = _rescued(empty_stage, cursor)

    assert outcomes.already_written(cursor, [pair]) == set()


def test_a_late_result_is_noted_beside_the_crashed_attempt(
    empty_stage: Stage, cursor: Cursor
) -> None:
    claim, outcome = _rescued(empty_stage, cursor)
    assert write(cursor, claim, State.COMPLETED) == set()

    outcomes.note_late(cursor, [(claim._replace(**OTHER_WORKER), outcome)])
    assert empty_stage.attempts(claim.id)[0]["late_at"] is None
    outcomes.note_late(cursor, [(claim, outcome)])

    (attempt,) = empty_stage.attempts(claim.id)
    assert (attempt["outcome"], attempt["late_outcome"]) == ("crashed", "completed")
    assert attempt["late_at"] >= attempt["finished_at"]
    assert empty_stage.job(claim.id)["state"] == "queued"


def _rescued(stage: Stage, cursor: Cursor) -> tuple[Claim, Any]:
    """A completion of a job that was rescued meanwhile."""
    worker = a_worker(stage, state="lost")
    pair = ended(claim_of(stage, a_job(stage, "running", worker_id=f"'{worker}'")), State.COMPLETED)
    workers_store.rescue(cursor, max_crashes=5, **rows.CRASH)
    return pair


TAKEN_BACK = [
    ("queued", {"attempt": "1"}, "running", True),  # its start was lost
    ("queued", {"attempt": "2"}, "running", False),  # given back meanwhile
    ("queued", {"attempt": "0"}, "running", False),
    ("running", {"attempt": "2"}, "running", False),
    ("cancelled", {"attempt": "1"}, "running", False),
    ("queued", {"attempt": "1"}, "lost", False),  # the worker was given up
]


def test_only_a_start_that_postgresql_lost_is_taken_back(
    empty_stage: Stage, cursor: Cursor
) -> None:
    for state, fields, worker_state, is_taken in TAKEN_BACK:
        worker, id_ = a_worker(empty_stage, state=worker_state), a_job(empty_stage, state, **fields)
        held = claim_of(empty_stage, id_, attempt=2, worker_id=worker)

        assert exchange.take_back(cursor, [held]) == ([id_] if is_taken else [])
        if is_taken:
            row = empty_stage.job(id_)
            assert (row["state"], row["attempt"], str(row["worker_id"])) == ("running", 2, worker)
            assert write(cursor, held, State.COMPLETED) == {(id_, 2)}


def test_a_failure_of_a_retried_job_has_first_exceptions_of_its_own(
    empty_stage: Stage, cursor: Cursor
) -> None:
    id_ = a_job(empty_stage, "running", attempt="1")
    write(cursor, claim_of(empty_stage, id_), State.FAILED)
    empty_stage.ask(
        "UPDATE job SET state = 'running', attempt = 2, finished_at = NULL WHERE id = %s", id_
    )

    later = rows.FAILURE.__class__("Later", "m", "T", "f")
    write(cursor, claim_of(empty_stage, id_), State.FAILED, failure=later)

    (letter,) = empty_stage.letters(id_)
    assert (letter["first_error_class"], letter["failures"]) == ("Later", 2)
