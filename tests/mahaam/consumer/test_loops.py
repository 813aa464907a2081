"""Every loop and thread of a consumer goes on, or the consumer ends so that another one begins."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import gevent
import pytest

from mahaam import enqueue
from mahaam.consumer import loop as loops
from mahaam.consumer.loop import Loop
from mahaam.core.liveness import get_on
from tests.mahaam import sabotage
from tests.mahaam import tasks as jobs
from tests.mahaam.consumer_process import Consumer
from tests.mahaam.stage import Stage
from tests.waiting import wait_until

SILENT_S = 0.2
MODULES = "tests.mahaam.tasks,tests.mahaam.sabotage"


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "PAUSE_S", 0.01)
    monkeypatch.setattr(loops, "END_S", 0.2)


def watched(loop: Loop, holds: Callable[[], object]) -> bool:
    """Watch a loop until something holds; return whether it could always be started again."""
    loop.start()
    is_well = True
    with gevent.Timeout(30):
        while not holds() and is_well:
            is_well = loop.watch()
            gevent.sleep(0.01)
    return is_well


def test_a_loop_that_fails_is_started_again_and_said(caplog: pytest.LogCaptureFixture) -> None:
    faults = iter((ZeroDivisionError("one"), SystemExit("two"), KeyboardInterrupt("three")))
    runs = []

    def work() -> None:
        for fault in faults:
            raise fault
        runs.append("well")

    assert watched(Loop("test", work, silent_s=60), lambda: runs)
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 3


def test_a_loop_that_stands_still_is_started_again_and_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    begun = []

    def work() -> None:
        begun.append(1)
        if len(begun) == 1:
            gevent.sleep(3600)

    assert watched(Loop("test", work, silent_s=SILENT_S), lambda: len(begun) == 2)
    assert len(caplog.messages) == 1
    assert "stands still" in caplog.messages[0]


def test_a_loop_that_gets_on_slowly_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    turns = []

    def work() -> None:
        while True:
            get_on()
            gevent.sleep(SILENT_S / 4)
            turns.append(1)

    assert watched(Loop("test", work, silent_s=SILENT_S * 5), lambda: len(turns) > 30)
    assert caplog.messages == []


def test_a_loop_that_cannot_be_ended_is_told(caplog: pytest.LogCaptureFixture) -> None:
    stubborn = []

    def work() -> None:
        while not stubborn:
            try:
                gevent.sleep(3600)
            except gevent.GreenletExit:
                gevent.sleep(1)
                stubborn.append(1)

    assert not watched(Loop("test", work, silent_s=SILENT_S), lambda: stubborn)
    assert caplog.records[-1].levelno == logging.CRITICAL


def test_a_loop_that_came_to_its_end_is_not_started_again() -> None:
    runs: list[int] = []
    loop = Loop("test", lambda: runs.append(1), silent_s=0.01)
    assert watched(loop, lambda: runs)
    gevent.sleep(0.05)
    assert loop.watch()
    assert runs == [1]


@pytest.fixture
def consumer(empty_stage: Stage) -> Iterator[Consumer]:
    with empty_stage.consumer(
        task_modules=MODULES, lease_s=6, beat_s=0.5, loop_timeout_s=5
    ) as consumer:
        yield consumer.wait_ready()


def works(stage: Stage) -> None:
    """See a job run, another one retried, and the lease renewed."""
    beaten = stage.ask("SELECT max(beat_at) AS at FROM worker")[0]["at"]
    ids = [enqueue(jobs.add, (1, 2)).id, enqueue(jobs.retry_itself, (0.1,)).id]
    for id_ in ids:
        stage.wait_for_state(id_, "completed", timeout_s=30)
    wait_until(lambda: stage.ask("SELECT 1 FROM worker WHERE beat_at > %s", beaten), timeout_s=30)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (sabotage.end_lease_thread, "another one is started"),
        (lambda: sabotage.fail_log_writer(2), "A loop of the consumer failed"),
        (sabotage.fail_watch, "The watch of a consumer failed"),
        (sabotage.halt_scheduler, "A loop stands still"),
    ],
    ids=["lease thread ends", "a loop fails", "watch fails", "scheduler halts"],
)
def test_what_fails_in_a_consumer_is_started_again(
    empty_stage: Stage, consumer: Consumer, harm: Callable[[], object], said: str
) -> None:
    harm()
    wait_until(lambda: said in consumer.log, timeout_s=30, otherwise=lambda: consumer.log)
    works(empty_stage)
    assert consumer.stop() == 0


def test_a_consumer_whose_lease_cannot_be_renewed_ends_with_a_code(
    empty_stage: Stage, consumer: Consumer
) -> None:
    sabotage.break_sleep()
    assert consumer.wait(timeout_s=60) == 1
    assert "The consumer cannot go on" in consumer.log
    assert empty_stage.count("state = 'running'") == 0
