"""The tasks that are measured: nothing, and nothing with a time stamp."""

from __future__ import annotations

import os
import time

from tasks import current_job, task


@task(max_retries=0)
def noop(value: object = None) -> None:
    """Do nothing."""


@task(max_retries=0)
def stamp(path: str) -> None:
    """Write the job's id and CLOCK_MONOTONIC in nanoseconds."""
    line = f"{current_job.id} {time.monotonic_ns()}\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(descriptor, line.encode())
    os.close(descriptor)
