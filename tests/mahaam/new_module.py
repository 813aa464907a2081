"""A task module that only new consumers load."""

from __future__ import annotations

from mahaam import current_job, task
from tests.mahaam import tasks as jobs


@task(max_retries=0, aliases=("tests.mahaam.old_module.stale",))
def fresh(number: int = 0) -> str:
    """Say who ran it."""
    return f"{number} {current_job.attempt}"


@task(max_retries=0, tags=["new"])
def after(*_args: object) -> str:
    """Follow another task."""
    return "after"


both = (jobs.nothing, fresh)
