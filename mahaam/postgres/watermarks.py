"""Where a walk over many rows begins, goes on and ends, so that it never chases what is new."""

from __future__ import annotations

from datetime import datetime

from mahaam.postgres.database import Cursor


def now(cursor: Cursor) -> datetime:
    """PostgreSQL's time."""
    cursor.execute("SELECT now()")
    row = cursor.fetchone()
    assert row is not None
    moment: datetime = row[0]
    return moment


def newest_letter(cursor: Cursor) -> int:
    """The id of the newest dead letter, 0 when there is none."""
    cursor.execute("SELECT coalesce(max(id), 0) FROM dead_letter")
    row = cursor.fetchone()
    return int(row[0]) if row else 0


def newest_job(cursor: Cursor) -> str | None:
    """The newest id of a job, None when there is none."""
    cursor.execute("SELECT id::text FROM job ORDER BY id DESC LIMIT 1")
    row = cursor.fetchone()
    return str(row[0]) if row else None
