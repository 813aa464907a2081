"""Huey's results on a real consumer: who gets them, how long they take, what waiting costs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Any

import pytest
from huey.api import Result
from huey.constants import EmptyData

from mahaam import ResultTimeout, TaskException, group, huey
from mahaam.huey_adapter.results import results
from mahaam.huey_adapter.results.result_wait import LOOK_EVERY_S
from tests.machine import within
from tests.mahaam import huey_jobs
from tests.mahaam import tasks as jobs
from tests.mahaam.conftest import MakeStage
from tests.mahaam.stage import Stage
from tests.waiting import wait_until

MODULES = "tests.mahaam.tasks,tests.mahaam.huey_jobs"


@pytest.fixture(scope="module")
def stage(make_stage: MakeStage) -> Iterator[Stage]:
    """A stage with one consumer that runs for all tests here."""
    with (
        make_stage() as stage,
        stage.here(task_modules=MODULES),
        stage.consumer(task_modules=MODULES) as consumer,
    ):
        consumer.wait_ready()
        yield stage
        assert consumer.stop() == 0


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every look at a row by who asks for a result."""
    seen: list[str] = []
    look = results.standing

    def counted(job_id: str, *, early: bool) -> Any:
        seen.append(job_id)
        return look(job_id, early=early)

    monkeypatch.setattr(results, "standing", counted)
    return seen


def test_a_blocking_get_is_answered_as_soon_as_the_job_ends(stage: Stage) -> None:
    took_ms = []
    for _ in range(9):
        began = time.monotonic()
        assert huey_jobs.plain(1).get(blocking=True, timeout=within(5)) == 1
        took_ms.append((time.monotonic() - began) * 1000)

    assert statistics.median(took_ms) < within(LOOK_EVERY_S * 1000 / 2), took_ms


def test_who_waits_looks_at_the_row_now_and_then_only(stage: Stage, looks: list[str]) -> None:
    assert jobs.nap(3).get(blocking=True, timeout=within(10)) == 3

    assert len(looks) <= 6


def test_a_wait_has_an_end(stage: Stage) -> None:
    began = time.monotonic()
    handle = jobs.nap(2)

    with pytest.raises(ResultTimeout):
        handle.get(blocking=True, timeout=0.2)

    assert time.monotonic() - began > 0.15
    assert stage.job(handle.id)["finished_at"] is None  # it was not the job that ended
    stage.wait_for_ends()


def test_a_result_is_taken_by_the_first_who_asks(stage: Stage) -> None:
    handle = huey_jobs.plain("gold")
    stage.wait_for_ends()

    assert handle.get(preserve=True) == "gold"
    assert Result(huey, handle.task).get() == "gold"
    assert Result(huey, handle.task)._get() is EmptyData
    assert stage.job(handle.id)["result"] == "gold"


def test_none_is_a_result(stage: Stage) -> None:
    handle = huey_jobs.plain(None)
    wait_until(handle.is_ready)

    assert handle.get() is None


def test_an_error_with_retries_left_is_no_result_unless_that_is_wanted(stage: Stage) -> None:
    handle = jobs.fall_in_turn()
    stage.wait_for_state(handle.id, "retrying")
    assert handle.get() is None

    with (
        stage.here(task_modules=MODULES, store_intermediate_errors=True),
        pytest.raises(TaskException, match="ValueError") as failure,
    ):
        handle.get()
    assert failure.value.metadata["retries"] == 3
    stage.ask("DELETE FROM job WHERE id = %s", handle.id)


def test_who_waits_for_a_cancelled_job_is_told(stage: Stage) -> None:
    handle = huey_jobs.plain.schedule((1,), delay=3)
    handle.revoke()

    with pytest.raises(TaskException, match="The job was cancelled and has no result"):
        handle.get(blocking=True, timeout=within(10))
    assert handle.get() is None


def test_who_waits_for_a_job_that_is_removed_is_told(stage: Stage) -> None:
    message = jobs.nap.s(0.5)
    message.remove_on_complete = True

    with pytest.raises(TaskException, match="removed when it ended"):
        huey.enqueue(message).get(blocking=True, timeout=within(10))


def test_junk_in_the_channel_of_those_who_wait_harms_nobody(stage: Stage) -> None:
    with stage.redis() as client:
        client.publish(f"{stage.prefix}:awaited", b"\xff\x00junk")

    assert huey_jobs.plain(1).get(blocking=True, timeout=within(5)) == 1


def test_results_come_in_the_order_in_which_the_jobs_end(stage: Stage, looks: list[str]) -> None:
    handles = huey.enqueue(group([jobs.nap.s(0.7), jobs.nap.s(0.1), jobs.nap.s(0.4)]))

    assert list(handles.as_completed()) == [0.1, 0.4, 0.7]
    assert len(looks) <= 14


def test_the_results_of_a_broken_pipeline_are_its_error(stage: Stage) -> None:
    first, broken, never = huey.enqueue(jobs.add.s(1, 2).then(jobs.fall).then(jobs.echo))

    assert first.get(blocking=True, timeout=within(5)) == 3
    for handle in (broken, never):
        with pytest.raises(TaskException, match="ValueError"):
            handle.get(blocking=True, timeout=within(5))
    assert stage.job(never.id) == {}


def test_mapped_calls_bring_their_results_in_order(stage: Stage) -> None:
    handles = huey_jobs.plain.map([1, 2, 3])

    assert handles.get(blocking=True, timeout=within(5)) == [1, 2, 3]
