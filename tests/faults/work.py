"""The tasks of the campaigns; consumers load them by TASK_MODULES."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import sys
import time
from functools import partial
from pathlib import Path

from gevent import monkey

from mahaam import current_job, task
from tests.faults.ledger import LEDGER, Pen

hold_everything = monkey.get_original("time", "sleep")
pens: dict[str, Pen] = {}


def pen() -> Pen:
    """This process's pen, opened at the first attempt."""
    path = os.environ[LEDGER]
    if path not in pens:
        pens[path] = Pen(Path(path))
    return pens[path]


@task(max_retries=1, retry_delay=0.2, retry_jitter=False)
def work(ms: int, failures: int = 0, hold: bool = False, child: str = "") -> int:
    """Wait as for a slow server, or hold the whole process; the first `failures` tries fail.

    `child`: fork first, and let the child fall out of the task, or use a process.
    """
    if child:
        CHILDREN[child]()
    with pen().attempt(current_job.id, current_job.attempt):
        (hold_everything if hold else time.sleep)(ms / 1000)
        if current_job.retry_count < failures:
            raise RuntimeError(f"Failure {current_job.retry_count + 1} of {failures}.")
    return ms


@task
def end_process(how: str) -> None:
    """End the consumer in the middle of a job: `exit` at once, or `kill` with signal 9."""
    with pen().attempt(current_job.id, current_job.attempt):
        if how == "exit":
            os._exit(70)
        os.kill(os.getpid(), signal.SIGKILL)


def fork_and_fall_out() -> None:
    """Fork; the child comes to the end of the task without a word."""
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
        return
    time.sleep(0.05)
    sys.exit(3)


def use_a_process() -> None:
    """Have a process of one's own wait."""
    process = multiprocessing.Process(target=time.sleep, args=(0.05,))
    process.start()
    process.join()


CHILDREN = {"fork": fork_and_fall_out, "process": use_a_process}


@task
def freeze(how: str) -> None:
    """Let nothing else run in the consumer: in Python, in C, or with the interpreter held."""
    with pen().attempt(current_job.id, current_job.attempt):
        FREEZES[how]()


def _compute() -> None:
    while True:
        pass


FREEZES = {
    "python": _compute,
    "c": partial(hold_everything, 600),
    "interpreter": partial(re.match, "(a|a)*b", "a" * 60),
}
