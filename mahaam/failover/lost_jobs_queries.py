"""Questions to an old primary about jobs that were accepted there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from mahaam.postgres.database import Cursor

# Index: job_pkey.
ACCEPTED = """
SELECT id::text, task, queue, state, created_at, dedupe_key FROM job
WHERE id > %(after)s::uuid ORDER BY id LIMIT %(limit)s
"""
RECORDS = "SELECT to_jsonb(job)::text FROM job WHERE id = ANY(%s::uuid[]) AND finished_at IS NULL"
PRESENT = "SELECT id::text FROM job WHERE id = ANY(%s::uuid[])"


class LostJob(NamedTuple):
    """A job that was accepted and is no row here."""

    id: str
    task: str
    queue: str
    state: str
    created_at: datetime
    dedupe_key: str | None


def accepted(cursor: Cursor, after: str, *, limit: int) -> list[LostJob]:
    """Return the next jobs behind an id, by id."""
    cursor.execute(ACCEPTED, {"after": after, "limit": limit})
    return [LostJob._make(row) for row in cursor.fetchall()]


def records(cursor: Cursor, ids: Sequence[str]) -> list[str]:
    """Return the rows of those of `ids` that have not ended, as JSON."""
    cursor.execute(RECORDS, (list(ids),))
    return [row[0] for row in cursor.fetchall()]


def present(cursor: Cursor, ids: Sequence[str]) -> set[str]:
    """Return those of `ids` that are jobs."""
    cursor.execute(PRESENT, (list(ids),))
    return {row[0] for row in cursor.fetchall()}
