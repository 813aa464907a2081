"""Tasks for the browser to start."""

from __future__ import annotations

import time
from pathlib import Path

from mahaam import current_job, task


@task
def of_many_kinds(
    order_id: int, email: str = "", share: float = 0.5, extra: dict | None = None
) -> int:
    """Take one of each.

    Returns the order.
    """
    return order_id


@task
def until_told(path: str) -> None:
    """Say something, and work on until there is a file at `path`."""
    current_job.log("It has begun.")
    current_job.progress(50, "half of it")
    while not Path(path).exists():
        time.sleep(0.05)
