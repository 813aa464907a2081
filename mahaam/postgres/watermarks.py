"""Watermarks at which a scan of many rows ends, so that it never chases new rows."""

from __future__ import annotations

from datetime import datetime

from mahaam.postgres.database import Cursor


def now(cursor: Cursor) -> datetime:
    """Return PostgreSQL's time."""
    cursor.execute("SELECT now()")
    row = cursor.fetchone()
    assert row is not None
    moment: datetime = row[0]
    return moment


def newest_letter(cursor: Cursor) -> int:
    """Return the id of the newest dead letter; 0 if there is none."""
    cursor.execute("SELECT coalesce(max(id), 0) FROM dead_letter")
    row = cursor.fetchone()
    return int(row[0]) if row else 0


def newest_job(cursor: Cursor) -> str | None:
    """Return the newest id of a job; None if there is none."""
    cursor.execute("SELECT id::text FROM job ORDER BY id DESC LIMIT 1")
    row = cursor.fetchone()
    return str(row[0]) if row else None
