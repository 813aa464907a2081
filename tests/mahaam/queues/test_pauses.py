"""Paused queues and tasks as two consumers see them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest

from mahaam import enqueue, verbs
from tests.mahaam import rows
from tests.mahaam import tasks as jobs
from tests.mahaam.consumer_process import Consumer
from tests.mahaam.stage import Stage
from tests.waiting import wait_until

SEEN_S = 2.0  # a pause is seen within this time
NOTHING, NAP = "tests.mahaam.tasks.nothing", "tests.mahaam.tasks.nap"
HELD = "state = 'scheduled' AND run_at = '9999-01-01 00:00+00'"


@pytest.fixture(scope="module")
def consumers(stage: Stage) -> Iterator[list[Consumer]]:
    """Two consumers of two greenlets."""
    with ExitStack() as stack:
        started = [stack.enter_context(stage.consumer("--workers", "2")) for _ in range(2)]
        yield [consumer.wait_ready() for consumer in started]
        assert [consumer.stop() for consumer in started] == [0, 0]


@pytest.fixture(autouse=True)
def _nothing_is_paused(empty_stage: Stage) -> None:
    empty_stage.ask("DELETE FROM task_pause")
    empty_stage.ask("UPDATE queue SET paused_at = NULL, resume_at = NULL, paused_by = NULL")


def pause_task(name: str, **more: Any) -> None:
    assert verbs.pause_tasks([name], verbs.pause(by="ann", **more)).done == (name,)


def pause_and_wait(stage: Stage, name: str, **more: Any) -> None:
    """Pause a task until every consumer has seen it: none starts a job of it any more."""
    pause_task(name, **more)

    def is_seen() -> bool:
        made = [enqueue(name, (0,)).id for _ in range(8)]
        wait_until(lambda: not stage.count("state IN ('queued', 'running')"))
        return all(stage.job(job)["state"] == "scheduled" for job in made)

    wait_until(is_seen, timeout_s=SEEN_S, every_s=0.2)


def test_no_consumer_starts_a_job_of_a_paused_task(stage: Stage, consumers: list[Consumer]) -> None:
    pause_and_wait(stage, NOTHING)
    stage.clear()

    for _ in range(20):
        enqueue(jobs.nothing)
        enqueue(jobs.echo)
    wait_until(lambda: stage.count("state = 'completed'") == 20)
    wait_until(lambda: stage.count(HELD) == 20)

    assert stage.count(f"task = '{NOTHING}' AND attempt > 0") == 0
    verbs.resume_tasks([NOTHING], by="bob")
    wait_until(lambda: stage.count("state = 'completed'") == 40, timeout_s=SEEN_S)
    assert stage.ask("SELECT * FROM task_pause") == []


def test_what_runs_of_a_paused_task_finishes(stage: Stage, consumers: list[Consumer]) -> None:
    job = enqueue(jobs.nap, (1.2,)).id
    stage.wait_for_state(job, "running")

    pause_and_wait(stage, NAP)

    stage.wait_for_state(job, "completed")


def test_a_retry_that_becomes_due_is_held(stage: Stage, consumers: list[Consumer]) -> None:
    pause_and_wait(stage, NOTHING)

    job = rows.a_job(stage, "retrying", retry_count="1")

    wait_until(lambda: stage.count(f"id = '{job}' AND {HELD} AND retry_count = 1"))
    verbs.resume_tasks([NOTHING], by="ann")
    stage.wait_for_state(job, "completed")


def test_a_task_goes_on_by_itself_at_the_end_of_its_pause(
    stage: Stage, consumers: list[Consumer]
) -> None:
    pause_and_wait(stage, NOTHING, for_s=timedelta(seconds=SEEN_S + 0.5))
    (pause,) = stage.ask("SELECT resume_at FROM task_pause")
    stage.clear()
    job = enqueue(jobs.nothing).id

    stage.wait_for_state(job, "completed", timeout_s=SEEN_S + 3)

    assert stage.job(job)["started_at"] >= pause["resume_at"]
    wait_until(lambda: not stage.ask("SELECT task FROM task_pause"))


def test_a_paused_queue_is_left_alone_until_it_is_resumed(
    stage: Stage, consumers: list[Consumer]
) -> None:
    stage.add("queue", name="orders")
    wanted = verbs.pause(by="ann", reason="stocktaking", for_s=600)
    assert verbs.pause_queues(["orders"], wanted).done == ("orders",)
    wait_until(lambda: is_left_alone(stage, "orders"), timeout_s=SEEN_S, every_s=0.1)

    assert verbs.resume_queues(["orders"], by="ann").done == ("orders",)

    wait_until(lambda: not stage.count("state = 'queued'"), timeout_s=SEEN_S)


def is_left_alone(stage: Stage, queue: str) -> bool:
    """Whether a new job of `queue` waits although another one, enqueued later, has ended."""
    left, other = enqueue(jobs.nothing, queue=queue).id, enqueue(jobs.nothing).id
    stage.wait_for_state(other, "completed")
    return str(stage.job(left)["state"]) == "queued"
