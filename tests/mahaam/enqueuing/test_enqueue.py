"""Enqueueing: what stands in the row, and what is refused with one sentence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from mahaam import enqueue, enqueue_many, task
from mahaam.core.errors import (
    ArgumentNotStorable,
    DatabaseUnavailable,
    MahaamError,
    UnknownQueue,
    UnknownTask,
)
from mahaam.enqueuing import accept
from mahaam.jobs.states import FINAL, LIVE
from tests.mahaam import tasks as jobs
from tests.mahaam.stage import Stage

NOWHERE = "postgresql://mahaam@127.0.0.1:1/mahaam"
AHEAD = datetime(2090, 1, 2, 3, 4, 5, tzinfo=UTC)
AHEAD_NAIVE = AHEAD.replace(tzinfo=None)


def test_calling_a_task_enqueues_it(empty_stage: Stage) -> None:
    handle = jobs.tell()

    row = empty_stage.job(handle.id)
    assert (row["task"], row["state"]) == ("tests.mahaam.tasks.tell", "queued")
    assert (row["priority"], row["max_retries"], row["queue"]) == (7, 2, "default")
    assert (row["retry_delay_s"], row["retry_backoff"], row["retry_jitter"]) == (1, 2, True)
    assert empty_stage.rung_priorities() == {handle.id: 7}


def test_arguments_reach_the_row(empty_stage: Stage) -> None:
    made = enqueue("tests.mahaam.tasks.echo", [1, "b"], {"c": (3,)})

    row = empty_stage.job(made.id)
    assert (row["args"], row["kwargs"]) == ([1, "b"], {"c": {"$tuple": [3]}})
    assert (made.state, made.deduplicated) == ("queued", False)


@pytest.mark.parametrize("by_name", [True, False])
def test_every_option_reaches_the_row(empty_stage: Stage, by_name: bool) -> None:
    made = enqueue(
        "tests.mahaam.tasks.nothing" if by_name else jobs.nothing,
        queue="reports",
        priority=-3,
        max_retries=9,
        retry_delay=timedelta(seconds=2),
        retry_backoff=1.5,
        retry_jitter=False,
        timeout=12.5,
        delay=timedelta(minutes=1),
        expires=timedelta(minutes=2),
        dedupe_key="key 1",
        tags=["a", "b"],
        created_by="ann",
        remove_on_complete=True,
        remove_on_fail=True,
    )

    row = empty_stage.job(made.id)
    expected = {
        "queue": "reports",
        "priority": -3,
        "max_retries": 9,
        "retry_delay_s": 2,
        "retry_backoff": 1.5,
        "retry_jitter": False,
        "timeout_s": 12.5,
        "dedupe_key": "key 1",
        "tags": ["a", "b"],
        "created_by": "ann",
        "options": {"remove_on_complete": True, "remove_on_fail": True},
        "state": "scheduled",
    }
    assert {name: row[name] for name in expected} == expected
    assert row["run_at"] - row["created_at"] == timedelta(minutes=1)
    assert row["expires_at"] - row["created_at"] == timedelta(minutes=2)
    assert empty_stage.rung("reports") == {}


def test_an_option_that_is_none_leaves_the_tasks_own(empty_stage: Stage) -> None:
    made = enqueue(jobs.tell, priority=None, queue=None, max_retries=None, delay=None, tags=None)

    row = empty_stage.job(made.id)
    assert (row["priority"], row["max_retries"], row["state"]) == (7, 2, "queued")


def test_eta_is_utc_where_it_says_nothing_else(empty_stage: Stage) -> None:
    for eta in (AHEAD, AHEAD_NAIVE, AHEAD.astimezone(timezone(timedelta(hours=9)))):
        made = enqueue(jobs.nothing, eta=eta)

        row = empty_stage.job(made.id)
        assert (row["run_at"], row["state"], made.state) == (AHEAD, "scheduled", "scheduled")
    assert empty_stage.rung() == {}


def test_a_job_whose_eta_is_over_runs_now(empty_stage: Stage) -> None:
    made = enqueue(jobs.nothing, eta=AHEAD.replace(year=2001))

    assert (empty_stage.job(made.id)["state"], made.state) == ("queued", "queued")
    assert empty_stage.rung().keys() == {str(made.id)}


def test_expires_may_be_a_moment_or_a_time_span(empty_stage: Stage) -> None:
    for expires in (AHEAD, AHEAD_NAIVE, 60, timedelta(seconds=60)):
        row = empty_stage.job(enqueue(jobs.nothing, expires=expires).id)
        is_moment = isinstance(expires, datetime)
        assert row["expires_at"] == (AHEAD if is_moment else row["created_at"] + timedelta(0, 60))


def test_what_does_not_exist_is_refused_by_name(empty_stage: Stage) -> None:
    with pytest.raises(UnknownTask, match="There is no task 'tests"):
        enqueue("tests.mahaam.tasks.nowhere")
    with pytest.raises(UnknownQueue, match="There is no queue 'nowhere'"):
        enqueue(jobs.nothing, queue="nowhere")
    with pytest.raises(ArgumentNotStorable, match="Argument 2 is of type object"):
        enqueue(jobs.nothing, (1, object()))

    assert empty_stage.count() == 0


def for_a_new_queue() -> None:
    """A task's function, for as long as a test runs."""


def test_a_queue_that_a_task_names_is_added(empty_stage: Stage) -> None:
    named = task(queue="new-queue")(for_a_new_queue)
    try:
        assert empty_stage.job(enqueue(named).id)["queue"] == "new-queue"
    finally:
        named.unregister()


def test_while_a_job_with_the_dedupe_key_lives_no_second_one_is_made(empty_stage: Stage) -> None:
    first = enqueue(jobs.nothing, dedupe_key="k")
    for state in sorted(LIVE):
        empty_stage.ask(
            "UPDATE job SET state = %s, run_at = now(), started_at = now(), worker_id = id", state
        )

        second = enqueue(jobs.nothing, dedupe_key="k", priority=9)

        assert (second.id, second.state, second.deduplicated) == (first.id, state, True)
    assert empty_stage.count() == 1


def test_the_dedupe_key_of_a_job_that_has_ended_is_free(empty_stage: Stage) -> None:
    made = {enqueue(jobs.nothing, dedupe_key="k").id}
    for state in sorted(FINAL):
        empty_stage.ask("UPDATE job SET state = %s, finished_at = now()", state)

        next_one = enqueue(jobs.nothing, dedupe_key="k")

        assert not next_one.deduplicated
        made.add(next_one.id)
    assert len(made) == 1 + len(FINAL)


def test_a_broken_connection_does_not_cost_or_double_a_job(empty_stage: Stage) -> None:
    enqueue(jobs.nothing)
    empty_stage.ask(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE"
        " application_name = 'mahaam' AND datname = current_database()"
    )

    enqueue(jobs.nothing)

    assert empty_stage.count() == 2


@pytest.mark.parametrize(
    "attempt",
    [
        jobs.nothing,
        lambda: enqueue(jobs.nothing),
        lambda: enqueue(jobs.nothing, dedupe_key="k"),
        lambda: enqueue_many(jobs.nothing, [()]),
    ],
)
def test_without_postgresql_a_job_is_refused(stage: Stage, attempt: Any) -> None:
    accept.known_queues.check("default")  # known: the queue's name is not what fails
    known_until = accept.known_queues._known.until
    with stage.here(database_url=NOWHERE):
        accept.known_queues._known.until = known_until
        with pytest.raises(DatabaseUnavailable, match="PostgreSQL does not answer") as refusal:
            attempt()
    assert isinstance(refusal.value, MahaamError)
