"""The tasks of the campaigns; consumers load them by TASK_MODULES."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from gevent import monkey

from tasks import current_job, task
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
def work(ms: int, failures: int = 0, hold: bool = False) -> int:
    """Wait as for a slow server, or hold the whole process; the first `failures` tries fail."""
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
