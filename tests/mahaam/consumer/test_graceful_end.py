"""SIGTERM and SIGINT: what finishes, what is given back, what a second one does."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from mahaam import enqueue
from tests.mahaam import tasks as jobs
from tests.mahaam.conftest import MakeStage
from tests.mahaam.consumer_process import Consumer
from tests.mahaam.stage import Stage
from tests.waiting import wait_until

LEASE_S = 6.0
LONG_S = 30  # of jobs that an end does not wait for
PATIENT_S = 20.0  # the time-out of ends that come sooner
BEAT_S = 0.4
GRACEFUL = ("SIGTERM", "SIGINT")


@dataclass
class Run:
    """A consumer that was sent signals while it ran jobs."""

    stage: Stage
    consumer: Consumer
    ids: dict[str, str] = field(default_factory=dict)
    code: int | None = None
    took_s: float = 0.0  # from the last signal to its end
    beats: list[Any] = field(default_factory=list)
    _sent_at: float = 0.0

    def start(self, **tasks: tuple[Any, float]) -> None:
        """Enqueue jobs and wait until they run."""
        with self.stage.here():
            for name, (task, seconds) in tasks.items():
                self.ids[name] = str(enqueue(task, (seconds,)).id)
                self.stage.wait_for_state(self.ids[name], "running")

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._sent_at = time.monotonic()
        self.consumer.send(number)

    def end(self) -> None:
        """Wait until it has ended."""
        self.code = self.consumer.wait()
        self.took_s = time.monotonic() - self._sent_at

    def job(self, name: str) -> dict[str, Any]:
        return self.stage.job(self.ids[name])


Play = Callable[[Run], None]


def graceful(number: signal.Signals) -> Play:
    def begin(run: Run) -> None:
        run.start(
            short=(jobs.nap, 0.6), long=(jobs.nap, LONG_S), stubborn=(jobs.stubborn_nap, LONG_S)
        )
        run.send(number)
        wait_until(lambda: "Stopping:" in run.consumer.log)
        with run.stage.here():
            run.ids["late"] = str(enqueue(jobs.nothing).id)

    return begin


def twice(run: Run) -> None:
    run.start(long=(jobs.nap, LONG_S))
    run.send(signal.SIGTERM)
    wait_until(lambda: "Stopping:" in run.consumer.log)
    run.send(signal.SIGTERM)


BEAT = "SELECT beat_at, lease_until - beat_at AS length, lease_until > now() AS holds FROM worker"


def while_computing(run: Run) -> None:
    """No greenlet gets a turn for 20 s; the lease must be renewed and signals be heard."""
    run.start(busy=(jobs.burn, 20))
    for _ in range(2):
        wait_until(lambda: run.stage.ask(BEAT)[0] not in run.beats)
        run.beats += run.stage.ask(BEAT)
    run.send(signal.SIGTERM)
    time.sleep(0.3)  # the kernel would merge two at once into one
    run.send(signal.SIGINT)


PLAYS: dict[str, tuple[Play, float]] = {
    "SIGTERM": (graceful(signal.SIGTERM), 1.0),
    "SIGINT": (graceful(signal.SIGINT), 1.0),
    "twice": (twice, PATIENT_S),
    "while computing": (while_computing, PATIENT_S),
}


@pytest.fixture(scope="module")
def runs(make_stage: MakeStage) -> Iterator[dict[str, Run]]:
    """All plays, side by side as far as they do not need the processor for themselves."""
    with ExitStack() as stack:
        found = {}
        for name, (_, shutdown_timeout_s) in PLAYS.items():
            stage = stack.enter_context(make_stage())
            words = ("--shutdown-timeout", str(shutdown_timeout_s))
            consumer = stage.consumer(*words, lease_s=LEASE_S, beat_s=BEAT_S)
            found[name] = Run(stage, stack.enter_context(consumer))
        for name in GRACEFUL:
            found[name].consumer.wait_ready()
            PLAYS[name][0](found[name])
        for name in GRACEFUL:
            found[name].end()
        for name in set(PLAYS) - set(GRACEFUL):
            found[name].consumer.wait_ready()
            PLAYS[name][0](found[name])
            found[name].end()
        yield found


RELEASED = [
    *((name, job) for name in GRACEFUL for job in ("long", "stubborn")),
    ("twice", "long"),
    ("while computing", "busy"),
]


def test_every_way_to_end_has_exit_code_0(runs: dict[str, Run]) -> None:
    assert {name: run.code for name, run in runs.items()} == dict.fromkeys(PLAYS, 0)


@pytest.mark.parametrize("name", GRACEFUL)
def test_a_running_job_within_the_time_out_completes(runs: dict[str, Run], name: str) -> None:
    assert runs[name].job("short")["state"] == "completed"
    assert runs[name].stage.attempts(runs[name].ids["short"]) == []


def test_a_job_that_is_cut_off_is_released_and_not_charged(runs: dict[str, Run]) -> None:
    for name, job in RELEASED:
        row = runs[name].job(job)
        assert (row["state"], row["retry_count"], row["crash_count"]) == ("queued", 0, 0)
        assert (row["worker_id"], row["started_at"], row["error"]) == (None, None, None)

        (attempt,) = runs[name].stage.attempts(runs[name].ids[job])
        assert (attempt["outcome"], attempt["number"]) == ("released", 1)
        assert attempt["error_class"] is None


@pytest.mark.parametrize("name", GRACEFUL)
def test_nothing_new_is_started_after_a_signal(runs: dict[str, Run], name: str) -> None:
    assert (runs[name].job("late")["state"], runs[name].job("late")["attempt"]) == ("queued", 0)


@pytest.mark.parametrize("name", GRACEFUL)
def test_a_graceful_end_takes_no_longer_than_the_time_out(runs: dict[str, Run], name: str) -> None:
    assert runs[name].took_s < LONG_S / 2


def test_a_second_signal_ends_at_once(runs: dict[str, Run]) -> None:
    assert runs["twice"].took_s < PATIENT_S / 2
    assert runs["while computing"].took_s < PATIENT_S / 2


def test_the_lease_is_renewed_while_a_job_computes(runs: dict[str, Run]) -> None:
    beats = runs["while computing"].beats

    assert len({beat["beat_at"] for beat in beats}) == len(beats)
    assert all(beat["length"].total_seconds() == LEASE_S and beat["holds"] for beat in beats)


def test_the_worker_is_marked_as_stopped(runs: dict[str, Run]) -> None:
    for run in runs.values():
        assert [row["state"] for row in run.stage.ask("SELECT state FROM worker")] == ["stopped"]


def test_the_log_says_what_happens_next(runs: dict[str, Run]) -> None:
    assert "Stopping: a signal came. Running jobs have 1 s." in runs["SIGTERM"].consumer.log
    assert runs["while computing"].ids["busy"] in runs["while computing"].consumer.log
    for run in runs.values():
        assert "Traceback" not in run.consumer.log
