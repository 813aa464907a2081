"""SIGTERM and SIGINT: what finishes, what is given back, what a second one does."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from tasks import enqueue
from tests.engine import jobs
from tests.engine.conftest import MakeStage
from tests.engine.consumer import Consumer
from tests.engine.stage import Stage
from tests.waiting import wait_until

LEASE_S = 3.0
BEAT_S = 0.4


@dataclass
class Run:
    """A consumer that was sent signals while it ran jobs."""

    stage: Stage
    consumer: Consumer
    ids: dict[str, str] = field(default_factory=dict)
    code: int | None = None
    took_s: float = 0.0  # from the last signal to its end
    beats: list[Any] = field(default_factory=list)

    def start(self, **tasks: tuple[Any, float]) -> None:
        """Enqueue jobs and wait until they run."""
        with self.stage.here():
            for name, (task, seconds) in tasks.items():
                self.ids[name] = str(enqueue(task, (seconds,)).id)
                self.stage.wait_for_state(self.ids[name], "running")

    def end(self) -> None:
        """Wait until it has ended."""
        sent_at = time.monotonic()
        self.code = self.consumer.wait()
        self.took_s = time.monotonic() - sent_at

    def job(self, name: str) -> dict[str, Any]:
        return self.stage.job(self.ids[name])


def graceful(number: signal.Signals) -> Any:
    def play(run: Run) -> None:
        run.start(short=(jobs.nap, 0.6), long=(jobs.nap, 30), stubborn=(jobs.stubborn_nap, 30))
        run.consumer.send(number)
        wait_until(lambda: "Stopping:" in run.consumer.log)
        with run.stage.here():
            run.ids["late"] = str(enqueue(jobs.nothing).id)
        run.end()

    return play


def twice(run: Run) -> None:
    run.start(long=(jobs.nap, 30))
    run.consumer.send(signal.SIGTERM)
    time.sleep(0.3)  # both are to be seen; the kernel may merge two at once
    run.consumer.send(signal.SIGTERM)
    run.end()


def while_computing(run: Run) -> None:
    """No greenlet gets a turn for 20 s; the lease must be renewed and signals be heard."""
    run.start(busy=(jobs.burn, 20))
    for _ in range(2):
        run.beats.append(
            run.stage.ask("SELECT beat_at, lease_until - now() AS rest FROM worker")[0]
        )
        time.sleep(2 * BEAT_S)
    run.consumer.send(signal.SIGTERM)
    time.sleep(0.3)
    run.consumer.send(signal.SIGINT)
    run.end()


PLAYS = {
    "SIGTERM": (graceful(signal.SIGTERM), 1.0),
    "SIGINT": (graceful(signal.SIGINT), 1.0),
    "twice": (twice, 20.0),
    "while computing": (while_computing, 20.0),
}


@pytest.fixture(scope="module")
def runs(make_stage: MakeStage) -> Iterator[dict[str, Run]]:
    """All plays; the consumers start at the same time, then one after the other is ended."""
    with ExitStack() as stack:
        found = {}
        for name, (_, shutdown_timeout_s) in PLAYS.items():
            stage = stack.enter_context(make_stage())
            words = ("--shutdown-timeout", str(shutdown_timeout_s))
            consumer = stage.consumer(*words, lease_s=LEASE_S, beat_s=BEAT_S)
            found[name] = Run(stage, stack.enter_context(consumer))
        for name, run in found.items():
            run.consumer.wait_ready()
            PLAYS[name][0](run)
        yield found


GRACEFUL = ["SIGTERM", "SIGINT"]
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


@pytest.mark.parametrize(("name", "job"), RELEASED)
def test_a_job_that_is_cut_off_is_released_and_not_charged(
    runs: dict[str, Run], name: str, job: str
) -> None:
    row = runs[name].job(job)
    (attempt,) = runs[name].stage.attempts(runs[name].ids[job])

    assert (row["state"], row["retry_count"], row["crash_count"]) == ("queued", 0, 0)
    assert (row["worker_id"], row["started_at"], row["error"]) == (None, None, None)
    assert (attempt["outcome"], attempt["number"], attempt["error_class"]) == ("released", 1, None)


@pytest.mark.parametrize("name", GRACEFUL)
def test_nothing_new_is_started_after_a_signal(runs: dict[str, Run], name: str) -> None:
    assert (runs[name].job("late")["state"], runs[name].job("late")["attempt"]) == ("queued", 0)


@pytest.mark.parametrize("name", GRACEFUL)
def test_a_graceful_end_takes_no_longer_than_the_time_out(runs: dict[str, Run], name: str) -> None:
    assert runs[name].took_s < 1.0 + 2.0


def test_a_second_signal_ends_at_once(runs: dict[str, Run]) -> None:
    assert runs["twice"].took_s < 2.0
    assert runs["while computing"].took_s < 3.0


def test_the_lease_is_renewed_while_a_job_computes(runs: dict[str, Run]) -> None:
    beats = runs["while computing"].beats

    assert len({beat["beat_at"] for beat in beats}) == len(beats)
    assert all(beat["rest"].total_seconds() > LEASE_S / 3 for beat in beats)


def test_the_worker_is_marked_as_stopped(runs: dict[str, Run]) -> None:
    for run in runs.values():
        assert [row["state"] for row in run.stage.ask("SELECT state FROM worker")] == ["stopped"]


def test_the_log_says_what_happens_next(runs: dict[str, Run]) -> None:
    assert "Stopping: a signal came. Running jobs have 1 s." in runs["SIGTERM"].consumer.log
    assert runs["while computing"].ids["busy"] in runs["while computing"].consumer.log
    for run in runs.values():
        assert "Traceback" not in run.consumer.log
