"""A job's arguments, result and options as they may be shown: without secrets, and not without end."""

from __future__ import annotations

from typing import Any

from dashboard.excerpt import Excerpt, json_excerpt
from tasks.engine.masking import masked, masked_call
from tasks.engine.models import Job
from tasks.engine.states import State

PARTS = ("args", "kwargs", "result", "options")


def values(job: Job) -> dict[str, Any]:
    """What there is to show of each part, without secrets; a part that there is nothing of is left out."""
    args, kwargs = masked_call(job.args, job.kwargs, job.task)
    result = {"result": masked(job.result, job.task)} if job.state == State.COMPLETED else {}
    given = {"args": args, "kwargs": kwargs, "options": masked(job.options, job.task)}
    return {name: value for name, value in given.items() if value} | result


def excerpts(job: Job) -> dict[str, Excerpt]:
    """The beginning of each part as JSON."""
    return {name: json_excerpt(value) for name, value in values(job).items()}
