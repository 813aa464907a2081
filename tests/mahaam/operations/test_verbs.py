"""Every verb of an operator from every state; two operators at once; dedupe keys."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from mahaam import verbs
from mahaam.config import get_settings
from mahaam.core.errors import OptionNotValid, UnknownQueue
from mahaam.core.ids import new_id
from mahaam.enqueuing import accept
from mahaam.jobs.notice import Notice
from mahaam.jobs.states import State
from mahaam.operations import lifecycle
from mahaam.postgres import database
from mahaam.queries.dead_letter_list import DeadLetterFilter
from mahaam.store.actions import cancel
from mahaam.verbs import VerbResult
from tests.machine import within
from tests.servers import TestServers, fresh_database

JOB = """
INSERT INTO job (id, task, queue, priority, state, dedupe_key, worker_id, finished_at, attempt,
                 retry_count, crash_count, run_at, queued_at, started_at, expires_at, result, error,
                 progress)
VALUES (%(id)s, 'tasks.demo.echo', %(queue)s, %(priority)s, %(state)s, %(dedupe_key)s,
        %(worker_id)s, CASE WHEN %(state)s IN ('completed', 'failed', 'cancelled', 'expired')
                            THEN now() - interval '3 seconds' END, 2,
        1, 1, now(), now(), now(), now(), '1', 'E: broken', 50)
"""
LETTER = """
INSERT INTO dead_letter (job_id, attempt, task, queue, error_class, error_message, traceback,
                         first_error_class, first_error_message, first_traceback, fingerprint,
                         retry_count)
SELECT id, attempt, task, queue, 'E', 'broken', 'T', 'E', 'broken', 'T', 'f', 1
FROM job WHERE id = %s RETURNING id
"""
FINAL = ("completed", "failed", "cancelled", "expired")
WAITING = ("scheduled", "queued", "retrying")


@pytest.fixture(scope="module")
def shared_database(servers: TestServers) -> Iterator[str]:
    """The database of all tests here; the engine's connections to it end with them."""
    _forget_engine()
    with fresh_database(servers) as url:
        yield url
        database.pool().dispose()
    _forget_engine()


@pytest.fixture(autouse=True)
def _here(shared_database: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process uses the shared database, without rows, and an empty Redis."""
    monkeypatch.setenv("DATABASE_URL", shared_database)
    monkeypatch.setenv("REDIS_URL", redis_url)
    get_settings.cache_clear()
    ask("DELETE FROM job")


def _forget_engine() -> None:
    for kept in (database.pool, accept.notice):
        kept.cache_clear()


def ask(sql: str, *values: Any) -> list[Any]:
    """The rows that a statement returns, for asserting on."""
    with database.connection() as link, link.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall() if cursor.description else []


def a_job(state: str = "queued", **fields: Any) -> UUID:
    """The id of a new row in `state`."""
    values = {"id": new_id(), "queue": "default", "dedupe_key": None, "priority": 0} | fields
    with database.connection() as link, link.cursor() as cursor:
        cursor.execute(JOB, {**values, "state": state, "worker_id": str(uuid4())})
    return UUID(values["id"])


def a_dead_letter(job_id: UUID | None = None, **fields: Any) -> int:
    """The id of a new dead letter, of a failed job of its own."""
    return int(ask(LETTER, str(job_id or a_job("failed", **fields)))[0][0])


def state_of(job_id: UUID) -> str:
    return str(ask("SELECT state FROM job WHERE id = %s", str(job_id))[0][0])


def told(verdict: VerbResult) -> dict[Any, str]:
    """The reasons as English sentences."""
    return {id_: str(reason) for id_, reason in verdict.refused.items()}


def to_all(verb: str, *, by: str, queue: str | None = None) -> VerbResult:
    """Do a verb to all open dead letters."""
    wanted = DeadLetterFilter(reprocessed=False, resolved=False, queue=queue)
    order = verbs.OperationRequest(verb, by)
    return verbs.carry_out(order, verbs.find(order, wanted, until=None) or [], wanted=wanted)


def rung(queue: str = "default") -> set[str]:
    key = accept.notice().key(queue)
    return {id_.decode() for id_ in accept.notice()._client.zrange(key, 0, -1)}


def test_only_a_job_that_has_ended_is_retried() -> None:
    jobs = {state: a_job(state) for state in State}

    verdict = verbs.apply("retry", jobs.values(), by="ann")

    assert set(verdict.done) == {jobs[State(state)] for state in FINAL}
    assert {state: state_of(job) for state, job in jobs.items()} == {
        state: "queued" if state in FINAL else state for state in State
    }
    assert rung() == set(map(str, verdict.done))


def test_only_a_running_job_is_stopped_and_once() -> None:
    jobs = {state: a_job(state) for state in State}
    running = jobs[State.RUNNING]

    first, second = (
        verbs.apply("stop", jobs.values(), by="ann"),
        verbs.apply("stop", [running], by="bob"),
    )

    assert first.done == (running,)
    assert told(second) == {
        running: f"Job {running} cannot be stopped: it is stopping since 0 s.",
    }
    assert ask("SELECT cancel_requested_by FROM job WHERE cancel_requested_at IS NOT NULL") == [
        ("ann",)
    ]
    assert {state: state_of(job) for state, job in jobs.items()} == {s: str(s) for s in State}


def test_only_a_waiting_job_is_cancelled() -> None:
    jobs = {state: a_job(state) for state in State}

    verdict = verbs.apply("cancel", jobs.values(), by="ann")

    assert set(verdict.done) == {jobs[State(state)] for state in WAITING}
    assert {state: state_of(job) for state, job in jobs.items()} == {
        state: "cancelled" if state in WAITING else state for state in State
    }


def test_a_refusal_says_why() -> None:
    for verb, participle, state, reason in (
        ("cancel", "cancelled", "running", "it is running. Stop it instead"),
        ("stop", "stopped", "queued", "it is queued"),
        ("stop", "stopped", "completed", "it completed 3 s ago"),
        ("cancel", "cancelled", "completed", "it completed 3 s ago"),
        ("cancel", "cancelled", "cancelled", "it was cancelled 3 s ago"),
        ("retry", "retried", "scheduled", "it is scheduled for later"),
        ("retry", "retried", "retrying", "it waits for its next retry"),
    ):
        job = a_job(state)
        sentence = f"Job {job} cannot be {participle}: {reason}."
        assert told(verbs.apply(verb, [job], by="ann")) == {job: sentence}


def test_a_job_that_does_not_exist_is_refused() -> None:
    missing = uuid4()

    for verb in ("retry", "cancel"):
        assert told(verbs.apply(verb, [missing], by="ann")) == {
            missing: f"No job {missing} exists."
        }
    for verb in ("reprocess", "resolve"):
        assert told(verbs.apply(verb, [2**70], by="ann")) == {
            2**70: f"No dead letter {2**70} exists."
        }


def test_a_retried_job_begins_anew() -> None:
    job = a_job("failed")

    verbs.apply("retry", [job], by="ann")

    kept = "retry_count, crash_count, finished_at, run_at, expires_at, result, error, progress"
    assert ask(f"SELECT {kept}, worker_id, started_at FROM job WHERE id = %s", str(job)) == [
        (0, 0, *[None] * 8)
    ]
    assert ask("SELECT queued_at > now() - interval '5 s', attempt FROM job") == [(True, 2)]


def test_only_a_completed_attempt_is_noted_when_its_job_is_retried() -> None:
    jobs = [a_job(state) for state in FINAL]

    verbs.apply("retry", jobs, by="ann")

    noted = ask("SELECT job_id, number, outcome, started_at IS NOT NULL FROM attempt")
    assert noted == [(jobs[FINAL.index("completed")], 2, "completed", True)]


def test_a_retry_closes_the_open_dead_letters_of_its_job() -> None:
    job = a_job("failed")
    letter, other = a_dead_letter(job), a_dead_letter()

    verbs.apply("retry", [job], by="ann")

    assert ask("SELECT id, reprocessed_by FROM dead_letter ORDER BY id") == [
        (letter, "ann"),
        (other, None),
    ]


def test_a_retry_is_refused_while_a_live_job_has_its_dedupe_key() -> None:
    held, free = a_job("failed", dedupe_key="k"), a_job("failed", dedupe_key="other")
    holder = a_job("scheduled", dedupe_key="k")

    verdict = verbs.apply("retry", [held, free], by="ann")

    reason = f"job {holder}, which is scheduled, has the same dedupe key"
    assert verdict.done == (free,)
    assert told(verdict) == {held: f"Job {held} cannot be retried: {reason}."}


def test_of_two_retried_jobs_with_one_dedupe_key_the_newer_is_queued() -> None:
    older, newer = a_job("failed", dedupe_key="k"), a_job("failed", dedupe_key="k")

    verdict = verbs.apply("retry", [older, newer], by="ann")

    assert verdict.done == (newer,)
    assert str(newer) in told(verdict)[older]


def test_of_two_operators_at_once_one_wins_and_the_other_is_told() -> None:
    jobs = [a_job("failed") for _ in range(30)]
    letters = [a_dead_letter(job) for job in jobs]

    with ThreadPoolExecutor(3) as pool:
        asked = [
            pool.submit(verbs.apply, "retry", jobs, by="ann"),
            pool.submit(verbs.apply, "retry", jobs[::-1], by="bob"),
            pool.submit(verbs.apply, "reprocess", letters, by="eve"),
        ]
    results = [answer.result() for answer in asked]

    assert sorted(len(verdict.done) for verdict in results) == [0, 0, 30]
    for verdict in results:
        assert len(verdict.done) + len(verdict.refused) == 30
    assert ask("SELECT count(*), count(DISTINCT reprocessed_by) FROM dead_letter") == [(30, 1)]


def test_a_dedupe_key_that_is_taken_at_the_same_moment_costs_one_job_only() -> None:
    held, free = a_job("failed", dedupe_key="k"), a_job("failed")
    with ThreadPoolExecutor(1) as pool, database.transaction() as cursor:
        values = {"id": new_id(), "queue": "default", "dedupe_key": "k", "priority": 0}
        cursor.execute(JOB, {**values, "state": "queued", "worker_id": None})
        answer = pool.submit(verbs.apply, "retry", [held, free], by="ann")
        cursor.execute("SELECT pg_sleep(0.2)")
        cursor.execute("COMMIT")
        verdict = answer.result(timeout=within(5))

    assert verdict.done == (free,)
    assert values["id"] in told(verdict)[held]


def test_an_open_dead_letter_is_reprocessed() -> None:
    letter = a_dead_letter()

    assert verbs.apply("reprocess", [letter], by="ann").done == (letter,)

    assert ask("SELECT state, reprocessed_by FROM job, dead_letter") == [("queued", "ann")]
    assert len(rung()) == 1


def test_a_dead_letter_is_reprocessed_once() -> None:
    letter = a_dead_letter()
    verbs.apply("reprocess", [letter], by="ann")

    reason = told(verbs.apply("reprocess", [letter], by="bob"))[letter]

    assert (
        reason == f"Dead letter {letter} cannot be reprocessed: it was reprocessed 0 s ago by ann."
    )


def test_a_resolved_dead_letter_is_not_reprocessed_and_its_job_stays_failed() -> None:
    letter = a_dead_letter()
    assert verbs.apply("resolve", [letter], by="ann", note="known\x00").done == (letter,)

    results = (
        verbs.apply("reprocess", [letter], by="bob"),
        verbs.apply("resolve", [letter], by="bob"),
    )

    assert all("it was resolved 0 s ago by ann" in told(v)[letter] for v in results)
    found = ask("SELECT state, resolved_by, resolution_note FROM job, dead_letter")
    assert found == [("failed", "ann", "known␀")]


def test_a_dead_letter_whose_job_runs_again_is_not_reprocessed() -> None:
    job = a_job("running")
    letter = a_dead_letter(job)

    reason = told(verbs.apply("reprocess", [letter], by="ann"))[letter]

    assert reason == f"Dead letter {letter} cannot be reprocessed: its job {job} is running."


def test_clear_cancels_what_is_queued_in_one_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    queued = [a_job(priority=number % 3) for number in range(5)]
    others = [a_job(queue="emails"), a_job("running"), a_job("scheduled")]
    accept.ring([Notice("default", 0, str(job), datetime.now(UTC)) for job in queued])
    monkeypatch.setattr(cancel, "CLEAR", cancel.CLEAR.replace("%(limit)s", "2"))

    assert verbs.clear("default", by="ann") == 5

    assert {state_of(job) for job in queued} == {"cancelled"}
    assert [state_of(job) for job in others] == ["queued", "running", "scheduled"]
    assert rung() == set()


def test_clear_knows_the_queues() -> None:
    with pytest.raises(UnknownQueue, match="There is no queue 'nonsense'"):
        verbs.clear("nonsense", by="ann")


def test_only_open_dead_letters_are_resolved() -> None:
    letters = [a_dead_letter() for _ in range(3)]
    verbs.apply("reprocess", letters[:1], by="ann")

    assert len(to_all("resolve", by="bob").done) == 2

    marks = ask("SELECT reprocessed_by, resolved_by FROM dead_letter ORDER BY id")
    assert marks == [("ann", None), (None, "bob"), (None, "bob")]


def test_all_that_are_open_in_a_queue_are_reprocessed() -> None:
    here, there = a_dead_letter(queue="emails"), a_dead_letter()

    assert to_all("reprocess", by="ann", queue="emails").done == (here,)
    assert ask("SELECT id FROM dead_letter WHERE reprocessed_by = 'ann'") == [(here,)]
    assert to_all("reprocess", by="ann").done == (there,)
    assert ask("SELECT count(*) FROM dead_letter WHERE reprocessed_by = 'ann'") == [(2,)]


def test_an_operation_does_not_chase_dead_letters_that_are_new(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A job that fails again at once, during the walk, is left for the next walk."""
    letters = [a_dead_letter() for _ in range(4)]
    monkeypatch.setattr(lifecycle, "CHUNK", 2)
    order = verbs.OperationRequest("reprocess", "ann")
    id_ = verbs.start(order, DeadLetterFilter(reprocessed=False, resolved=False))

    while lifecycle.work_on_next():
        a_dead_letter()

    found = ask("SELECT state, done FROM operation WHERE id = %s", id_)
    assert found == [("finished", len(letters))]
    assert ask("SELECT count(*) FROM dead_letter WHERE reprocessed_at IS NOT NULL") == [(4,)]


def test_more_than_a_chunk_is_done_by_ids_with_a_result_for_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lifecycle, "CHUNK", 2)
    jobs = [a_job("failed") for _ in range(5)]

    verdict = verbs.apply("retry", [*jobs, uuid4()], by="ann", reason="a test")

    assert (verdict.done, len(verdict.refused)) == (tuple(jobs), 1)
    found = ask(
        "SELECT number, job_id, is_done FROM operation_result WHERE operation_id = %s"
        " ORDER BY number",
        verdict.operation_id,
    )
    assert [(number, job) for number, job, is_done in found if is_done] == list(enumerate(jobs, 1))
    assert len(found) == 6
    kept = "SELECT state, done, refused, reason FROM operation WHERE id = %s"
    assert ask(kept, verdict.operation_id) == [("finished", 5, 1, "a test")]


def test_nothing_named_makes_no_operation_and_wrong_inputs_are_refused() -> None:
    before = ask("SELECT count(*) FROM operation")

    assert verbs.apply("cancel", [], by="ann").operation_id is None
    with pytest.raises(OptionNotValid, match="It takes no priority"):
        verbs.apply("cancel", [a_job()], by="ann", priority=5)

    assert ask("SELECT count(*) FROM operation") == before


def test_without_redis_the_verbs_do_their_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    get_settings.cache_clear()
    accept.notice.cache_clear()
    failed, queued = a_job("failed"), a_job()

    assert verbs.apply("retry", [failed], by="ann").done == (failed,)
    assert verbs.apply("cancel", [queued], by="ann").done == (queued,)
    accept.notice.cache_clear()
