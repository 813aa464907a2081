"""The tasks that are measured: nothing, nothing with a time stamp, and nothing but words."""

from __future__ import annotations

import logging
import os
import time

from mahaam import current_job, task
from mahaam.consumer.log_writer import LogWriter

log = logging.getLogger("bench")
log_writer = LogWriter()


@task(max_retries=0)
def noop(value: object = None) -> None:
    """Do nothing."""


@task(max_retries=0)
def speak(value: object = None) -> None:
    """Say a progress and two lines."""
    current_job.progress(50, "half")
    current_job.log("one line by hand")
    log.info("another one through %s", "logging")


@task(max_retries=0)
def say(lines: int, by_hand: bool) -> list[float]:
    """Say so many lines and write them; how long the first took, and both together, in ms."""
    begun = time.perf_counter()
    for number in range(lines):
        if by_hand:
            current_job.log(f"Sent mail {number} of {lines} to somebody@example.com")
        else:
            log.info("Sent mail %s of %s to %s", number, lines, "somebody@example.com")
    said = time.perf_counter()
    log_writer.write()
    return [(said - begun) * 1e3, (time.perf_counter() - begun) * 1e3]


@task(max_retries=0)
def stamp(path: str) -> None:
    """Write the job's id and CLOCK_MONOTONIC in nanoseconds."""
    line = f"{current_job.id} {time.monotonic_ns()}\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(descriptor, line.encode())
    os.close(descriptor)
