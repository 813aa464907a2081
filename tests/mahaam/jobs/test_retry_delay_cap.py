"""A cap of the waits before retries: of a job, of its task, of the settings, the nearest of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from mahaam import enqueue, huey, task, verbs
from mahaam.huey_adapter.inline_worker import hand
from mahaam.run.run import Run
from tests.mahaam import tasks as jobs
from tests.mahaam.rows import a_job, claim_of
from tests.mahaam.stage import Stage

SLOW: dict[str, Any] = {"max_retries": 1, "retry_delay": 500, "retry_jitter": False}


@pytest.fixture(autouse=True)
def _fresh(empty_stage: Stage) -> Iterator[None]:
    yield
    hand().close()


@task(max_retries=1, retry_delay=500, retry_delay_cap=30, retry_jitter=False)
def fall_soon(*_brought: object) -> None:
    """Fail."""
    raise ValueError


def cap_of(stage: Stage, job: Any) -> float | None:
    """The cap in the row of what a call or an enqueue has made."""
    cap_s: float | None = stage.job(job.id)["retry_delay_cap_s"]
    return cap_s


def wait_s(stage: Stage, job: Any) -> float:
    """Run the next job, which is this one and fails, by hand; how long it waits from then on."""
    huey.execute(huey.dequeue())
    row = stage.job(job.id)
    assert row["state"] == "retrying"
    (attempt,) = stage.attempts(job.id)
    waited: timedelta = row["run_at"] - attempt["finished_at"]
    return waited.total_seconds()


@pytest.mark.parametrize(
    ("cap", "expected_s"),
    [(2, 2), (0.25, 0.25), (timedelta(minutes=1), 60), (499, 499), (501, 500), (None, 500)],
)
def test_a_job_waits_no_longer_than_its_cap(
    empty_stage: Stage, cap: object, expected_s: float
) -> None:
    job = enqueue(jobs.fall, **SLOW, retry_delay_cap=cap)

    assert wait_s(empty_stage, job) == pytest.approx(expected_s)


def test_the_cap_of_a_job_is_above_that_of_its_task(empty_stage: Stage) -> None:
    assert cap_of(empty_stage, fall_soon()) == 30
    assert cap_of(empty_stage, fall_soon(retry_delay_cap=7)) == 7
    assert cap_of(empty_stage, huey.enqueue(fall_soon.s(retry_delay_cap=8))) == 8
    assert cap_of(empty_stage, enqueue(fall_soon, retry_delay_cap=1000)) == 1000


def test_the_cap_of_a_task_is_above_that_of_the_settings(stage: Stage) -> None:
    claim = claim_of(stage, a_job(stage, "running", retry_delay_s="900"))

    with stage.here(retry_delay_cap_s=20):
        assert Run(claim).backoff_s(jitter=False) == 20
        for cap_s in (3, 800):
            assert Run(claim._replace(retry_delay_cap_s=cap_s)).backoff_s(jitter=False) == cap_s


def test_jitter_comes_after_the_cap(stage: Stage) -> None:
    run = Run(claim_of(stage, a_job(stage, "running", retry_delay_s="900", retry_delay_cap_s="10")))

    drawn_s = [run.backoff_s(jitter=True) for _ in range(200)]

    assert 5 <= min(drawn_s) < 7
    assert 8 < max(drawn_s) <= 10


def test_a_retry_in_a_consumer_waits_no_longer_than_the_cap(empty_stage: Stage) -> None:
    with empty_stage.consumer():
        job = enqueue(jobs.fall, max_retries=2, retry_delay=500, retry_delay_cap=0.1)
        empty_stage.wait_for_state(job.id, "failed")

    assert empty_stage.job(job.id)["attempt"] == 3


def test_what_follows_brings_its_cap_along(empty_stage: Stage) -> None:
    first = jobs.nothing.s().then(fall_soon, retry_delay_cap=4)
    failing = jobs.fall.s(retries=0, priority=1).error(fall_soon)
    for message in (first, failing):
        huey.enqueue(message)
        huey.execute(huey.dequeue())

    found = empty_stage.ask(
        "SELECT parent_id::text, retry_delay_cap_s FROM job WHERE parent_id IS NOT NULL"
    )
    assert {row["parent_id"]: row["retry_delay_cap_s"] for row in found} == {
        first.id: 4,
        failing.id: 30,
    }


def test_a_duplicate_and_a_retry_by_hand_keep_the_cap(empty_stage: Stage) -> None:
    job = a_job(empty_stage, "failed", retry_delay_cap_s="9")

    (copy,) = verbs.apply("duplicate", [job], by="ann").made.values()
    verbs.apply("retry", [job], by="ann")

    assert empty_stage.job(copy)["retry_delay_cap_s"] == 9
    assert empty_stage.job(job)["retry_delay_cap_s"] == 9
