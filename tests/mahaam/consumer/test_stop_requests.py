"""Stopping jobs that run: a word, an interruption, and what keeps a job from being stopped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest

from mahaam import enqueue, verbs
from tests.mahaam import tasks as jobs
from tests.mahaam.conftest import MakeStage
from tests.mahaam.consumer_process import Consumer
from tests.mahaam.stage import Stage
from tests.waiting import wait_until

GRACE_S = 4.0
IN_TIME_S = 1.5  # time enough to be asked to stop before its end, and to end before the grace does
LONG_S = 60
SEEN_S = 1.0
JOBS: dict[str, tuple[Any, tuple[Any, ...], dict[str, Any]]] = {
    "asks": (jobs.until_told, (), {}),
    "asks and returns": (jobs.until_told, ("told by",), {}),
    "waits": (jobs.nap, (LONG_S,), {"max_retries": 3}),
    "fails then": (jobs.turn, (LONG_S, "error"), {}),
    "retries then": (jobs.turn, (LONG_S, "retry"), {}),
    "returns then": (jobs.stubborn_nap, (LONG_S,), {"max_retries": 3}),
    "bears it": (jobs.bear, (2 * GRACE_S + SEEN_S + 1,), {}),
    "is left alone": (jobs.nap, (2,), {}),
}


@dataclass
class Play:
    """Jobs that ran in one consumer and were stopped."""

    stage: Stage
    consumer: Consumer
    ids: dict[str, UUID] = field(default_factory=dict)

    def start(self, name: str, task: Any, args: tuple[Any, ...], **options: Any) -> None:
        """Enqueue a job."""
        with self.stage.here():
            self.ids[name] = UUID(str(enqueue(task, args, **options).id))

    def stop(self, *names: str) -> verbs.VerbResult:
        """Ask jobs to stop."""
        with self.stage.here():
            return verbs.apply("stop", [self.ids[name] for name in names], by="ann")

    def job(self, name: str) -> dict[str, Any]:
        return self.stage.job(self.ids[name])

    def last_attempt(self, name: str) -> dict[str, Any]:
        return self.stage.attempts(self.ids[name])[-1]


@pytest.fixture(scope="module")
def play(make_stage: MakeStage) -> Iterator[Play]:
    """All jobs ran at once, all but one were asked to stop, all have ended."""
    with ExitStack() as stack:
        stage = stack.enter_context(make_stage())
        consumer = stack.enter_context(stage.consumer("-w", "9", stop_grace_s=GRACE_S))
        play = Play(stage, consumer.wait_ready())
        for name, (task, args, options) in JOBS.items():
            play.start(name, task, args, **options)
        wait_until(lambda: stage.count("state = 'running'") == len(JOBS))
        play.start("ends in time", jobs.nap, (IN_TIME_S,))
        stage.wait_for_state(play.ids["ends in time"], "running")
        assert len(play.stop(*(play.ids.keys() - {"is left alone"})).done) == len(JOBS)
        stage.wait_for_ends()
        yield play
        assert consumer.stop() == 0


def took_s(job: dict[str, Any]) -> float:
    """From the wish to the end."""
    return float((job["finished_at"] - job["cancel_requested_at"]).total_seconds())


def test_a_task_that_asks_stops_before_the_grace_time_is_over(play: Play) -> None:
    job = play.job("asks")

    assert (job["state"], job["retry_count"], job["attempt"]) == ("cancelled", 0, 1)
    assert (job["cancel_requested_by"], job["stop_note"]) == ("ann", None)
    assert took_s(job) < took_s(play.job("waits"))


def test_a_task_that_returns_by_itself_has_completed(play: Play) -> None:
    told, in_time = play.job("asks and returns"), play.job("ends in time")

    assert (told["state"], told["result"]) == ("completed", "told by TaskStopped")
    assert (in_time["state"], in_time["result"]) == ("completed", IN_TIME_S)


def test_a_task_that_waits_is_interrupted_after_the_grace_time(play: Play) -> None:
    job = play.job("waits")

    assert job["state"] == "cancelled"
    assert GRACE_S - 0.1 < took_s(job) < LONG_S / 2


def test_a_stopped_job_is_not_retried_whatever_its_task_makes_of_it(play: Play) -> None:
    for name in ("waits", "fails then", "retries then", "returns then", "bears it"):
        job, attempt = play.job(name), play.last_attempt(name)
        assert (job["state"], job["attempt"], job["retry_count"]) == ("cancelled", 1, 0), name
        assert (attempt["outcome"], attempt["error_message"]) == ("cancelled", "Stopped by ann.")
        assert play.stage.letters(play.ids[name]) == []


def test_a_task_that_goes_on_is_named(play: Play) -> None:
    assert play.job("bears it")["stop_note"] == "The task catches the interruption and goes on."
    assert play.consumer.log.count("The task catches the interruption and goes on.") == 1


def test_no_other_job_is_touched(play: Play) -> None:
    job = play.job("is left alone")

    assert (job["state"], job["attempt"], job["cancel_requested_at"]) == ("completed", 1, None)


def test_a_stopped_job_that_is_retried_begins_anew(play: Play) -> None:
    stage = play.stage
    with stage.here():
        verbs.apply("retry", [play.ids["asks"]], by="bob")
    stage.wait_for_state(play.ids["asks"], "running")

    job = play.job("asks")
    assert (job["cancel_requested_at"], job["cancel_requested_by"]) == (None, None)
    assert (job["stop_note"], job["attempt"]) == (None, 2)
    play.stop("asks")
    stage.wait_for_ends()


def test_a_job_that_computes_is_told_why_it_goes_on(make_stage: MakeStage) -> None:
    with make_stage() as stage, stage.consumer("-w", "2", stop_grace_s=0.5) as consumer:
        play = Play(stage, consumer.wait_ready())
        play.start("waits", jobs.nap, (30,))
        stage.wait_for_state(play.ids["waits"], "running")
        play.start("computes", jobs.burn, (20,))
        stage.wait_for_state(play.ids["computes"], "running")
        play.stop("computes", "waits")

        wait_until(lambda: play.job("computes")["stop_note"])

        note = play.job("computes")["stop_note"]
        assert note.startswith("It could not be stopped: CPU-bound code (burn in tasks.py) lets ")
        assert "cpu_bound=True" in note
        assert play.job("computes")["state"] == "running"
        wait_until(lambda: str(play.ids["computes"]) in consumer.log)


def test_a_stop_survives_its_consumer(make_stage: MakeStage) -> None:
    more = {"stop_grace_s": 60, "lease_s": 1.5, "beat_s": 0.3}
    with make_stage() as stage:
        with stage.consumer(**more).wait_ready() as consumer:
            play = Play(stage, consumer)
            play.start("rescued", jobs.nap, (30,), max_retries=3)
            stage.wait_for_state(play.ids["rescued"], "running")
            play.stop("rescued")
        with stage.consumer("--shutdown-timeout", "0.2", **more).wait_ready() as consumer:
            play.start("released", jobs.nap, (30,), max_retries=3)
            stage.wait_for_state(play.ids["released"], "running")
            play.stop("released")
            stage.wait_for_state(play.ids["rescued"], "cancelled")
            assert consumer.stop() == 0

        states = {name: (play.job(name)["state"], play.job(name)["attempt"]) for name in play.ids}
        outcomes = {name: play.last_attempt(name)["outcome"] for name in play.ids}

    assert states == {"released": ("cancelled", 1), "rescued": ("cancelled", 1)}
    assert outcomes == {"released": "cancelled", "rescued": "crashed"}
