"""The tasks of the soak; consumers load them by TASK_MODULES."""

from __future__ import annotations

import logging
import time

from mahaam import current_job, task

log = logging.getLogger(__name__)


@task(queue="probe", priority=9, max_retries=0)
def probe() -> None:
    """Be started: how long that takes is the latency that is judged."""


@task(queue="soak", remove_on_complete=True)
def nothing(number: int = 0) -> int:
    """Do nothing."""
    return number


@task(queue="soak", remove_on_complete=True, timeout=30)
def rest(ms: int) -> int:
    """Wait as for a slow server."""
    time.sleep(ms / 1000)
    return ms


@task(queue="soak", max_retries=3, retry_delay=0.3)
def stumble(failures: int) -> int:
    """Fail so many times, then complete."""
    if current_job.retry_count < failures:
        raise RuntimeError(f"Failure {current_job.retry_count + 1} of {failures}.")
    return failures


@task(queue="soak", max_retries=1, retry_delay=0.2)
def fall(cause: int) -> None:
    """Fail for good, of one of a few causes."""
    raise ValueError(f"Cause {'abcde'[cause % 5]} of the soak.")


@task(queue="soak", remove_on_complete=True)
def speak(lines: int) -> None:
    """Log and show progress."""
    for line in range(lines):
        current_job.log(f"line {line}")
        log.info("line %s", line)
        current_job.progress(100 * line // lines, f"line {line}")


@task(queue="soak", remove_on_complete=True)
def gather(values: list[int]) -> int:
    """Add up what the members of a chord brought."""
    return sum(values)


@task(queue="soak", remove_on_complete=True)
def tick() -> None:
    """Be made by a schedule."""
