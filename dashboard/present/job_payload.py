"""A job's arguments, result and options as they may be shown: without secrets, and cut when large."""

from __future__ import annotations

from typing import Any

from mahaam.jobs.states import State
from mahaam.models import Job
from mahaam.redaction.redact import masked, masked_call

from .excerpt import SHOWN, Excerpt, clipped, json_excerpt

PARTS = ("args", "kwargs", "result", "options")


def values(job: Job) -> dict[str, Any]:
    """Return each part as a whole, without secrets. Empty parts are left out."""
    return _without_secrets(job, _parts(job))


def excerpts(job: Job) -> dict[str, Excerpt]:
    """Return the beginning of each part as JSON, without secrets."""
    parts = _parts(job)
    # To search a megabyte for secrets takes longer than all the rest of the page.
    short = {name: clipped(value, 2 * SHOWN) for name, value in parts.items()}
    return {
        name: Excerpt(shown.text, is_whole=shown.is_whole and short[name] == parts[name])
        for name, value in _without_secrets(job, short).items()
        for shown in (json_excerpt(value),)
    }


def _parts(job: Job) -> dict[str, Any]:
    result = {"result": job.result} if job.state == State.COMPLETED else {}
    given = {"args": job.args, "kwargs": job.kwargs, "options": job.options}
    return {name: value for name, value in given.items() if value} | result


def _without_secrets(job: Job, parts: dict[str, Any]) -> dict[str, Any]:
    args, kwargs = masked_call(parts.get("args", []), parts.get("kwargs", {}), job.task)
    call = {"args": args, "kwargs": kwargs}
    return {
        name: call[name] if name in call else masked(value, job.task)
        for name, value in parts.items()
    }
