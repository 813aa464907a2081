"""Tasks that compute: nothing waits for them, and all that a task may do goes through."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psutil
import pytest

from mahaam import enqueue, verbs
from mahaam.huey_adapter.cpu.process_pool import ProcessPool
from tests.mahaam import tasks as jobs
from tests.mahaam.conftest import MakeStage
from tests.mahaam.consumer_process import Consumer
from tests.mahaam.stage import Stage
from tests.waiting import wait_until

LONG_S = 60  # of computing that is not waited for
GRACE_S = 0.5
TABLE: dict[str, tuple[Any, tuple[Any, ...], dict[str, Any]]] = {
    "tells": (jobs.tell_from_afar, ({"a", 1},), {"priority": 7, "max_retries": 2}),
    "falls": (jobs.far, ("value",), {}),
    "retries": (jobs.far, ("retry",), {}),
    "cancels": (jobs.far, ("cancel",), {"max_retries": 3}),
    "returns an object": (jobs.far, ("unstorable",), {}),
    "returns none": (jobs.far, ("nothing",), {}),
    "exits": (jobs.die, ("exit",), {}),
    "is killed": (jobs.die, ("signal",), {}),
    "leaves": (jobs.die, ("sys.exit",), {}),
}


@dataclass
class Play:
    """Jobs in one consumer of four places."""

    stage: Stage
    consumer: Consumer
    ids: dict[str, UUID] = field(default_factory=dict)

    def start(self, name: str, task: Any, args: tuple[Any, ...] = (), **options: Any) -> UUID:
        """Enqueue a job; its id."""
        with self.stage.here():
            self.ids[name] = UUID(str(enqueue(task, args, **options).id))
        return self.ids[name]

    def run(self, name: str, task: Any, args: tuple[Any, ...] = (), **options: Any) -> Any:
        """Enqueue a job and wait for its end; its row."""
        self.start(name, task, args, **options)
        wait_until(lambda: self.job(name)["finished_at"], timeout_s=15)
        return self.job(name)

    def job(self, name: str) -> dict[str, Any]:
        return self.stage.job(self.ids[name])

    def attempt(self, name: str) -> dict[str, Any]:
        return self.stage.attempts(self.ids[name])[0]

    def computing(self) -> set[int]:
        """The consumer's CPU processes."""
        children = psutil.Process(self.consumer.pid).children()
        return {
            child.pid for child in children if "mahaam.huey_adapter.cpu_server" in child.cmdline()
        }


@pytest.fixture(scope="module")
def play(make_stage: MakeStage) -> Iterator[Play]:
    """A consumer whose processes have been started, and have computed the table."""
    with ExitStack() as stack:
        stage = stack.enter_context(make_stage())
        more = {"stop_grace_s": GRACE_S, "lease_s": 2, "beat_s": 0.4}
        consumer = stack.enter_context(stage.consumer("-w", "4", **more))
        play = Play(stage, consumer.wait_ready())
        for name, (task, args, options) in TABLE.items():
            play.start(name, task, args, **options)
        stage.wait_for_ends()
        yield play


def test_nothing_waits_for_a_task_that_computes(play: Play) -> None:
    computing = play.start("computes", jobs.compute, (2,))
    play.stage.wait_for_state(computing, "running")
    naps = [play.start(f"nap {number}", jobs.nap, (0.5,)) for number in range(3)]
    (before,) = play.stage.ask("SELECT beat_at FROM worker")
    play.stage.wait_for_ends()

    spans = [play.stage.job(id_) for id_ in naps]
    assert max(row["finished_at"] for row in spans) < play.job("computes")["finished_at"]
    assert play.job("computes")["result"] == 2
    (after,) = play.stage.ask("SELECT beat_at FROM worker")
    assert after["beat_at"] > before["beat_at"]


def test_its_time_out_ends_it_long_before_its_end(play: Play) -> None:
    before = play.computing()
    job = play.run("is late", jobs.compute, (LONG_S,), timeout=0.5)

    assert job["state"] == "failed"
    assert job["error"].startswith("huey.exceptions.TaskTimeout: The task ran for ")
    assert (job["finished_at"] - job["started_at"]).total_seconds() < LONG_S / 2
    assert len(play.computing() & before) == len(before) - 1


def test_a_stop_ends_it(play: Play) -> None:
    for name, task, args in (
        ("is told", jobs.compute_until_told, ()),
        ("is ended", jobs.compute, (LONG_S,)),
    ):
        play.stage.wait_for_state(play.start(name, task, args, max_retries=2), "running")
    with play.stage.here():
        verbs.apply("stop", [play.ids["is told"], play.ids["is ended"]], by="ann")
    play.stage.wait_for_ends()

    for name in ("is told", "is ended"):
        job = play.job(name)
        assert (job["state"], job["attempt"], job["stop_note"]) == ("cancelled", 1, None)
        assert (job["finished_at"] - job["cancel_requested_at"]).total_seconds() < LONG_S / 2


def test_a_process_is_used_again(play: Play) -> None:
    first = play.run("first", jobs.where)["result"]

    assert play.run("second", jobs.where)["result"] == first
    assert first in play.computing()
    assert len(play.computing()) <= 4


def test_a_computed_job_knows_itself_and_is_heard(play: Play) -> None:
    job = play.job("tells")
    result = job["result"]

    assert job["state"] == "completed", job
    assert result["told"] == {
        "id": str(job["id"]), "attempt": 1, "retry_count": 0, "max_retries": 2, "queue": "default",
        "priority": 7, "here": True,
    }  # fmt: skip
    assert (result["task"], sorted(result["a"]["$set"], key=str)) == (str(job["id"]), [1, "a"])
    assert str(play.stage.job(result["child"])["parent_id"]) == str(job["id"])
    wait_until(lambda: play.job("tells")["progress"] == 42)
    assert play.job("tells")["progress_text"] == "half"
    sql = "SELECT level, logger, message FROM job_log WHERE job_id = %s ORDER BY number"
    wait_until(lambda: len(play.stage.ask(sql, str(job["id"]))) == 2)
    lines = [tuple(row.values()) for row in play.stage.ask(sql, str(job["id"]))]
    assert lines == [(20, None, "one line"), (30, "library", "another line")]


def test_an_exception_keeps_its_class_its_message_and_its_traceback(play: Play) -> None:
    job, (letter,) = play.job("falls"), play.stage.letters(play.ids["falls"])

    assert job["error"] == "ValueError: far away"
    assert (letter["error_class"], letter["error_message"]) == ("ValueError", "far away")
    assert "in fall\n    raise ValueError(message)" in letter["traceback"]
    assert "cpu/process.py" not in letter["traceback"]


def test_what_huey_acts_upon_is_acted_upon(play: Play) -> None:
    retried, cancelled = play.job("retries"), play.job("cancels")

    assert (retried["state"], retried["attempt"], retried["result"]) == ("completed", 2, 2)
    assert play.attempt("retries")["outcome"] == "retrying"
    assert (cancelled["state"], cancelled["attempt"]) == ("cancelled", 1)
    assert cancelled["error"] == "huey.exceptions.CancelExecution: not needed any more"


def test_a_result_that_json_cannot_hold_is_named(play: Play) -> None:
    result = play.job("returns an object")["result"]

    assert "tests.mahaam.tasks.Unprintable" in result["not_stored"]
    assert result["repr"] == "(its repr fails: RuntimeError)"
    assert play.job("returns none")["result"] is None


def test_a_process_that_ends_fails_the_attempt_and_is_replaced(play: Play) -> None:
    for name, error in (
        ("exits", "The process that computed this task ended with code 3."),
        ("is killed", "The process that computed this task ended by SIGSEGV."),
        ("leaves", "The task raised SystemExit: 4"),
    ):
        job, attempt = play.job(name), play.attempt(name)
        assert (job["state"], job["attempt"], job["retry_count"]) == ("completed", 2, 1), name
        assert (attempt["outcome"], attempt["error_message"]) == ("retrying", error)
        assert job["crash_count"] == 0


def test_processes_are_no_workers(play: Play) -> None:
    assert len(play.stage.ask("SELECT id FROM worker")) == 1


def test_a_graceful_end_gives_a_computed_job_back(make_stage: MakeStage) -> None:
    """As systemd does it: every process of the service is told to end."""
    with make_stage() as stage, stage.consumer("-w", "2", "--shutdown-timeout", "1") as consumer:
        play = Play(stage, consumer.wait_ready())
        for name, seconds in (("short", 1.0), ("long", 60)):
            play.stage.wait_for_state(play.start(name, jobs.compute, (seconds,)), "running")
        wait_until(lambda: len(play.computing()) == 2)
        wait_until(lambda: all(_is_ready(pid) for pid in play.computing()))
        for pid in (*play.computing(), consumer.pid):
            psutil.Process(pid).terminate()
        assert consumer.wait() == 0

        assert play.job("short")["state"] == "completed"
        job = play.job("long")
        assert (job["state"], job["retry_count"], job["crash_count"]) == ("queued", 0, 0)
        assert play.attempt("long")["outcome"] == "released"


def _is_ready(pid: int) -> bool:
    """Whether its threads run: by then it has answered for its signals."""
    return bool(psutil.Process(pid).num_threads() >= 3)


def test_a_process_that_nobody_needs_or_that_is_dead_is_not_kept(stage: Stage) -> None:
    pool = ProcessPool(idle_s=0.2)
    dead = pool.take()
    pool.give_back(dead)
    psutil.Process(dead.pid).kill()
    wait_until(lambda: not dead.is_alive)
    process = pool.take()
    assert process is not dead
    pool.give_back(process)

    pool.retire()
    assert psutil.pid_exists(process.pid)

    wait_until(lambda: pool.retire() or not psutil.pid_exists(process.pid))
    assert pool._idle == []


def test_processes_end_with_their_consumer(play: Play) -> None:
    """The last test of this consumer."""
    play.stage.wait_for_state(play.start("goes down", jobs.compute, (LONG_S,)), "running")
    pids = play.computing()
    play.consumer.send(signal.SIGKILL)

    wait_until(lambda: all(_is_gone(pid) for pid in pids))


def _is_gone(pid: int) -> bool:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    return True
