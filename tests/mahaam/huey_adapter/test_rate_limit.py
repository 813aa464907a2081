"""How many at once and how many in a while: exactly four, rate limits, pauses."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from mahaam import enqueue, enqueue_many
from tests.machine import within
from tests.mahaam import tasks as jobs
from tests.mahaam.consumer_process import Consumer
from tests.mahaam.stage import Stage
from tests.waiting import wait_until

SAMPLE = """
SELECT count(*) FILTER (WHERE state = 'running') AS running,
       count(*) FILTER (WHERE finished_at IS NOT NULL) AS finished, count(*) AS jobs
FROM job WHERE task = 'tests.mahaam.tasks.nap'
"""
SEEN_S = within(2.0)  # a change of a queue is seen within this time


@pytest.fixture(scope="module")
def consumer(stage: Stage) -> Iterator[Consumer]:
    """A consumer that serves all queues, some slowed and some paused, with four greenlets."""
    set_queue(stage, "emails", rate_limit="4", rate_period_s="0.5")
    set_queue(stage, "reports", rate_limit="1", rate_period_s="60")
    set_queue(stage, "orders", paused_at="now()", paused_by="'ann'")
    set_queue(stage, "notifications", paused_at="now()", resume_at="now() + interval '3 s'")
    enqueue(jobs.nothing, queue="notifications")
    with stage.consumer("--workers", "4") as consumer:
        yield consumer.wait_ready()
        assert consumer.stop() == 0


def set_queue(stage: Stage, name: str, **columns: str) -> None:
    changes = ", ".join(f"{column} = {value}" for column, value in columns.items())
    stage.ask(f"UPDATE queue SET {changes} WHERE name = '{name}'")


def starts(stage: Stage, queue: str) -> list[datetime]:
    """When the jobs of a queue were started, in order."""
    rows = stage.ask(
        "SELECT started_at FROM job WHERE queue = %s AND started_at IS NOT NULL ORDER BY 1", queue
    )
    return [row["started_at"] for row in rows]


def most_in(period_s: float, moments: list[datetime]) -> int:
    """The largest number of moments in any window of that length."""
    period = timedelta(seconds=period_s)
    return max(
        sum(1 for other in moments[place:] if other - first < period)
        for place, first in enumerate(moments)
    )


def most_at_once(stage: Stage) -> int:
    """The largest number of jobs that ran at the same instant, by their rows."""
    rows = stage.ask("SELECT started_at, finished_at FROM job WHERE task LIKE '%nap'")
    return max(
        sum(1 for row in rows if row["started_at"] <= moment < row["finished_at"])
        for moment in (row["started_at"] for row in rows)
    )


@pytest.fixture(scope="module")
def samples(stage: Stage, consumer: Consumer) -> list[tuple[int, int, int, int]]:
    """Running, finished, all jobs, and ids in Redis, looked at again and again during a run."""
    found = []
    with stage.redis() as client:
        wait_until(lambda: client.exists(f"{stage.prefix}:memory"))  # after that nobody rings twice
        first = enqueue(jobs.nothing)
        stage.wait_for_state(first.id, "completed")
        enqueue_many(jobs.nap, [(0.3,)] * 40)  # long beside what a turn takes
        while not found or found[-1][1] < 40:
            before = int(client.zcard(stage.key()))
            (row,) = stage.ask(SAMPLE)
            if before == client.zcard(stage.key()):  # nobody popped while the rows were counted
                found.append((row["running"], row["finished"], row["jobs"], before))
            time.sleep(0.005)
    return found


def test_never_more_than_four_jobs_run(
    stage: Stage, samples: list[tuple[int, int, int, int]]
) -> None:
    assert max(running for running, *_ in samples) == 4
    assert most_at_once(stage) == 4


def test_under_load_it_is_four_nearly_all_the_time(
    samples: list[tuple[int, int, int, int]],
) -> None:
    loaded = [running for running, finished, _, waiting in samples if waiting and finished]

    assert len(loaded) >= 10
    assert loaded.count(4) >= 0.7 * len(loaded)


def test_no_job_is_fetched_before_a_greenlet_is_free(
    samples: list[tuple[int, int, int, int]],
) -> None:
    """What is neither in Redis nor running nor finished is on its way to a free greenlet."""
    on_their_way = [
        everything - running - finished - waiting
        for running, finished, everything, waiting in samples
    ]

    assert 0 <= min(on_their_way) <= max(on_their_way) <= 4
    assert on_their_way.count(0) > 0.7 * len(samples)


def test_a_queue_is_never_faster_than_its_rate(stage: Stage, consumer: Consumer) -> None:
    enqueue_many(jobs.nothing, [()] * 14, queue="emails")
    other = enqueue(jobs.nothing)

    stage.wait_for_state(other.id, "completed")
    wait_until(lambda: len(starts(stage, "emails")) == 14, timeout_s=within(6))

    moments = starts(stage, "emails")
    assert most_in(0.5, moments) <= 4
    assert moments[-1] - moments[0] < timedelta(seconds=1.5 + within(1))


def test_a_changed_rate_is_seen_soon(stage: Stage, consumer: Consumer) -> None:
    enqueue_many(jobs.nothing, [()] * 6, queue="reports")
    wait_until(lambda: starts(stage, "reports"))
    assert len(starts(stage, "reports")) == 1

    set_queue(stage, "reports", rate_limit="NULL", rate_period_s="NULL")

    wait_until(lambda: len(starts(stage, "reports")) == 6, timeout_s=SEEN_S)


def test_a_paused_queue_waits_and_goes_on_soon_after_it_is_resumed(
    stage: Stage, consumer: Consumer
) -> None:
    paused = enqueue(jobs.nothing, queue="orders", priority=9)
    other = enqueue(jobs.nap, (0.3,))
    stage.wait_for_state(other.id, "completed")
    assert stage.job(paused.id)["state"] == "queued"

    set_queue(stage, "orders", paused_at="NULL", paused_by="NULL")

    stage.wait_for_state(paused.id, "completed", timeout_s=SEEN_S)


def test_a_running_consumer_sees_a_pause_soon(stage: Stage, consumer: Consumer) -> None:
    set_queue(stage, "default", paused_at="now()")

    def is_left_alone() -> bool:
        job = enqueue(jobs.nothing)
        wait_until(lambda: stage.job(job.id)["started_at"] or waits(stage, job.id))
        return stage.job(job.id)["state"] == "queued"

    wait_until(is_left_alone, timeout_s=SEEN_S, every_s=0.1)


def waits(stage: Stage, job_id: object) -> bool:
    """Whether a job has been queued for longer than a free consumer needs."""
    return bool(stage.count(f"id = '{job_id}' AND queued_at < now() - interval '0.3 s'"))


def test_a_pause_with_an_end_ends_by_itself(stage: Stage, consumer: Consumer) -> None:
    wait_until(lambda: starts(stage, "notifications"), timeout_s=3 + SEEN_S)

    (queue,) = stage.ask("SELECT resume_at FROM queue WHERE name = 'notifications'")
    assert starts(stage, "notifications")[0] >= queue["resume_at"]
