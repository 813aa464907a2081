"""Small tasks to try the product with."""

from __future__ import annotations

import time
from typing import Any

from mahaam import current_job, task, track


@task
def echo(value: Any = "hello") -> Any:
    """Return what it was given."""
    return value


@task
def sleep(seconds: float = 1.0) -> float:
    """Wait, as a task does that talks to a slow server."""
    time.sleep(seconds)
    return seconds


@task
def fail(message: str = "This task always fails.") -> None:
    """Raise an error every time, so that the job ends in the dead letters."""
    raise RuntimeError(message)


@task
def flaky(failures: int = 2) -> int:
    """Fail so many times, then succeed. Return how often it was tried."""
    if current_job.retry_count < failures:
        raise RuntimeError(f"Failure {current_job.retry_count + 1} of {failures}.")
    return current_job.retry_count + 1


@task
def progress(steps: int = 10, seconds: float = 0.5) -> int:
    """Work in steps, with progress and a log line for each."""
    for step in track(range(steps), desc="working"):
        time.sleep(seconds)
        current_job.log(f"Step {step + 1} of {steps} is done.")
    return steps
