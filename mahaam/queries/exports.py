"""Whole jobs, slice by slice, for files."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from mahaam.jobs.new_job import TASK_OPTIONS
from mahaam.postgres.database import Cursor
from mahaam.search.job_filter import JobFilter
from mahaam.search.job_ids import ids_below

FACTS = (
    "id", "task", "queue", "state", "priority", "attempt", "retry_count", "max_retries", "created_at",
    "run_at", "started_at", "finished_at", "created_by", "tags", "error", "args", "kwargs", "result",
)  # fmt: skip
COLUMNS = (*FACTS, *(name for name in TASK_OPTIONS if name not in FACTS))
SHOWN = ("id::text" if name == "id" else name for name in COLUMNS)
SLICE = 200  # rows at once: one may hold hundreds of kilobytes
ROWS = f"""
SELECT {", ".join(SHOWN)} FROM job WHERE id = ANY(%(ids)s::uuid[]) ORDER BY job.id DESC
"""


def rows_below(
    cursor: Cursor, wanted: JobFilter, *, below: uuid.UUID | None, limit: int = SLICE
) -> tuple[list[dict[str, Any]], uuid.UUID | None]:
    """Return the next jobs that match, ready for JSON, and where to continue; None: there are no more.

    The cursor is in a transaction.
    """
    ids, below = ids_below(cursor, wanted, below=below, limit=limit)
    cursor.execute(ROWS, {"ids": ids})
    return [_row(values) for values in cursor.fetchall()], below


def _row(values: tuple[Any, ...]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in zip(COLUMNS, values, strict=True)
    }
