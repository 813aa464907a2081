"""Tasks that freeze their consumer: it is ended in time, the one that did is charged, the others are not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import pytest

from mahaam import enqueue
from mahaam.workers.freeze import dump
from mahaam.workers.freeze.job_table import ID_BYTES, FreezeTable
from tests.machine import within
from tests.mahaam import rough_jobs
from tests.mahaam import tasks as jobs
from tests.mahaam.conftest import MakeStage
from tests.mahaam.consumer_process import Consumer
from tests.mahaam.stage import Stage
from tests.waiting import wait_until

LIMIT_S = 2
SETTINGS: dict[str, Any] = {
    "task_modules": "tests.mahaam.tasks,tests.mahaam.rough_jobs",
    "freeze_limit_s": LIMIT_S,
    "lease_s": 8,
    "beat_s": 2,
}
LONG_S = 60
FREEZERS: dict[str, tuple[Any, tuple[Any, ...], str]] = {
    "in Python": (rough_jobs.wait_in_python, (LONG_S,), "wait_in_python (rough_jobs.py:"),
    "in C": (rough_jobs.block_in_c, (LONG_S,), "block_in_c (rough_jobs.py:"),
    "holding the interpreter": (rough_jobs.compute_in_c, (40,), "compute_in_c (rough_jobs.py:"),
}


@contextmanager
def consumers(stage: Stage, count: int) -> Iterator[list[Consumer]]:
    """Consumers on one stage, as a supervisor has them: all ready."""
    started = [stage.consumer("-w", "3", **SETTINGS) for _ in range(count)]
    try:
        yield [consumer.wait_ready() for consumer in started]
    finally:
        for consumer in started:
            consumer.__exit__(None, None, None)


def given_up(stage: Stage, job_id: UUID | str) -> bool:
    """Whether a job's first freeze is noted."""
    return bool(stage.attempts(job_id))


def frozen(stage: Stage, how: str, file: Path) -> tuple[str, str]:
    """A job that freezes a consumer beside one that waits there; their ids."""
    task, args, _ = FREEZERS[how]
    nap = str(enqueue(jobs.nap, (LONG_S,), max_retries=0).id)
    stage.wait_for_state(nap, "running")
    freezer = str(enqueue(task, (str(file), *args)).id)
    stage.wait_for_state(freezer, "running")
    return nap, freezer


@pytest.mark.parametrize("how", FREEZERS)
def test_the_consumer_is_ended_and_its_holder_charged(
    make_stage: MakeStage, how: str, tmp_path: Path
) -> None:
    with make_stage() as stage, stage.here(), consumers(stage, 1) as (consumer,):
        nap, freezer = frozen(stage, how, tmp_path / "file")
        wait_until(lambda: given_up(stage, freezer), timeout_s=within(30))
        wait_until(lambda: "Jobs given back uncharged" in consumer.log, timeout_s=within(10))

        (attempt,) = stage.attempts(freezer)
        assert (attempt["outcome"], attempt["error_class"]) == ("crashed", "WorkerFrozen")
        assert FREEZERS[how][2] in attempt["error_message"]
        assert "cpu_bound=True" in attempt["error_message"]
        assert (stage.job(freezer)["state"], stage.job(freezer)["crash_count"]) == ("queued", 1)
        assert (stage.job(nap)["state"], stage.job(nap)["crash_count"]) == ("queued", 0)
        assert stage.attempts(nap)[0]["outcome"] == "released"
        assert consumer.wait() != 0
        assert FREEZERS[how][2] in consumer.log
        assert stage.ask("SELECT state FROM worker") == [{"state": "stopped"}]


def test_it_never_runs_in_two_consumers_and_fails_at_the_second_freeze(
    make_stage: MakeStage, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    with make_stage() as stage, stage.here(), consumers(stage, 3) as all_of_them:
        freezer = str(enqueue(rough_jobs.compute_in_c, (str(file), 40)).id)
        stage.wait_for_state(freezer, "failed", timeout_s=within(60))
        wait_until(lambda: sum(it.is_running for it in all_of_them) == 1)

        letter = stage.letters(freezer)[0]
        assert letter["error_class"] == "WorkerFrozen"
        assert "compute_in_c" in letter["traceback"]
        starts = [line.split() for line in file.read_text().splitlines()]
        assert [(word, attempt) for word, attempt, *_ in starts] == [("start", "1"), ("start", "2")]
        assert not any(psutil.pid_exists(int(pid)) for _, _, pid, _ in starts[:1])


def test_what_ends_in_time_is_left_alone(make_stage: MakeStage, tmp_path: Path) -> None:
    with make_stage() as stage, stage.here(), consumers(stage, 1) as (consumer,):
        short = [
            enqueue(task, (str(tmp_path / "file"), LIMIT_S / 3)).id
            for task in (rough_jobs.wait_in_python, rough_jobs.block_in_c)
            for _ in range(3)
        ]
        for job in short:
            stage.wait_for_state(job, "completed", timeout_s=within(20))
        assert consumer.stop() == 0
        assert "frozen" not in consumer.log


def test_a_consumer_that_was_stopped_and_goes_on_is_not_frozen(make_stage: MakeStage) -> None:
    with make_stage() as stage, stage.here(), consumers(stage, 1) as (consumer,):
        process = psutil.Process(consumer.pid)
        process.suspend()
        until = time.monotonic() + 2.5 * LIMIT_S
        wait_until(lambda: time.monotonic() > until)
        process.resume()
        job = enqueue(jobs.nothing).id
        stage.wait_for_state(job, "completed", timeout_s=within(20))
        assert consumer.stop() == 0


def test_a_watcher_that_ends_is_replaced_and_ends_with_its_consumer(stage: Stage) -> None:
    with consumers(stage, 1) as (consumer,):
        process = psutil.Process(consumer.pid)
        first = watcher_of(process)
        first.kill()
        wait_until(lambda: watcher_of(process) not in (None, first))
        second = watcher_of(process)
        assert second is not None
        process.kill()
        wait_until(lambda: not second.is_running())


def test_a_dump_tells_the_job_by_its_slot() -> None:
    slots = FreezeTable()
    ours = [slots.new() for _ in range(3)]
    slots.name("w" * ID_BYTES)
    ours[1].take("j" * ID_BYTES)
    table = bytes(slots._table)
    slots.close()
    stack = (
        'Thread 0x1 (most recent call first):\n  File "/x/lease.py", line 1 in _keep\n\n'
        'Current thread 0x2 (most recent call first):\n  File "/usr/lib/python3.11/re.py", line 5 in match\n'
        '  File "/app/shop/jobs.py", line 7 in report\n  File "/x/worker.py", line 9 in run_in_slot_{}\n'
    )

    found = dump.read(stack.format(2), table)
    assert (found.job_id, found.is_known) == ("j" * ID_BYTES, True)
    assert found.function == "report (jobs.py:7), in match (re.py:5)"
    assert dump.read(stack.format(1), table)[:2] == (None, True)  # a hook, between jobs
    assert dump.read("", table)[:2] == (None, False)
    assert dump.read('Current thread 0x2:\n  File "a", line 1 in f\n  ...\n', table)[:2] == (
        None,
        False,
    )
    assert dump.worker_of(table) == "w" * ID_BYTES


def watcher_of(process: psutil.Process) -> psutil.Process | None:
    """The process that watches a consumer."""
    found = [child for child in process.children() if "watcher.py" in _command_line(child)]
    return found[0] if found else None


def _command_line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:  # it has ended, and waits to be reaped
        return ""
