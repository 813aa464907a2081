"""SQL that enqueues periodic tasks: once for each minute, however many consumers do so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from mahaam.jobs.follow_ups import FollowUp
from mahaam.jobs.notice import Notice
from mahaam.postgres.database import Cursor
from mahaam.store import accept_jobs

FIRE = """
INSERT INTO periodic_fire (task, fire_at, job_id) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING
RETURNING true
"""

FORGET = "DELETE FROM periodic_fire WHERE fire_at < now() - interval '1 day'"


def this_minute(cursor: Cursor) -> datetime:
    """Return the minute that PostgreSQL's clock shows, in UTC."""
    cursor.execute("SELECT date_trunc('minute', now())")
    row = cursor.fetchone()
    assert row is not None, "The statement returns one row."
    minute: datetime = row[0]
    return minute


def fire(cursor: Cursor, minute: datetime, wanted: Sequence[FollowUp]) -> dict[str, Notice | None]:
    """Insert those jobs whose task nobody has fired for `minute` yet, in a transaction.

    Return for the id of each its notice; None for a job that waits for its time.
    """
    made: dict[str, Notice | None] = {}
    for job, call in ((follow_up.job, follow_up.call) for follow_up in wanted):
        cursor.execute(FIRE, (job.task, minute, call[0]))
        if cursor.fetchone() is not None:
            made |= {one.id: one.ring(job) for one in accept_jobs.accept(cursor, job, [call])}
    return made


def prune(cursor: Cursor) -> None:
    """Delete the fires of more than a day ago."""
    cursor.execute(FORGET)
