"""What became of a job, for whoever waits for it."""

from __future__ import annotations

import re
from typing import Any

from huey.constants import EmptyData

from tasks.engine import database
from tasks.engine.arguments import dump
from tasks.engine.queries import results as queries

JOB_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def is_job_id(key: str) -> bool:
    """Whether `key` is the id of a job and not a key of Huey's own."""
    return JOB_ID.fullmatch(key) is not None


def is_ready(job_id: str) -> bool:
    """Whether the job has ended."""
    return raw(job_id) is not EmptyData


def raw(job_id: str) -> Any:
    """The job's result as JSON bytes, its failure as an `$error`, EmptyData while it lives."""
    ended = database.repeatable(lambda cursor: queries.ended(cursor, job_id))
    if ended is None:
        return EmptyData
    if ended.state == "completed":
        return (ended.result or "null").encode()
    metadata = {
        "error": ended.error or f"The job was {ended.state}.",
        "retries": 0,
        "traceback": ended.traceback or "",
        "task_id": job_id,
    }
    return ('{"$error":' + dump(metadata, what="The error") + "}").encode()
