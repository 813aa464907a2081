"""SQL of Huey's API for jobs that wait: reads them from the schedule, queues them again."""

from __future__ import annotations

from datetime import datetime

from mahaam.jobs.notice import Notice
from mahaam.postgres.database import Cursor
from mahaam.store import due

READ = due.QUEUE.format(
    is_due="""run_at <= %(until)s
    AND NOT (%(unseen)s AND state = 'scheduled' AND queued_at IS NOT NULL)""",
    is_waiting=due.IS_WAITING,
)

QUEUE = """
UPDATE job SET state = 'queued', queued_at = now()
WHERE id = %s::uuid AND state IN ('scheduled', 'retrying')
RETURNING queue, priority, id::text, queued_at
"""


# What is delayed and taken by hand is in the schedule from then on (see queries/waiting.py).
PUT_IN = """
UPDATE job SET queued_at = NULL
WHERE id = %s::uuid AND state = 'scheduled' AND queued_at IS NOT NULL
RETURNING true
"""


def put_in(cursor: Cursor, job_id: str) -> bool:
    """Put a delayed job that no worker has read into Huey's schedule. Return False if it is none."""
    cursor.execute(PUT_IN, (job_id,))
    return cursor.fetchone() is not None


def read(cursor: Cursor, *, until: datetime, limit: int, unseen: bool) -> list[str]:
    """Queue scheduled and retrying jobs that are to run by `until`. Return the ids.

    With `unseen`, delayed jobs that no worker has read are not in the schedule yet.
    """
    cursor.execute(READ, {"until": until, "limit": limit, "unseen": unseen})
    return [Notice._make(row).id for row in cursor.fetchall()]


def queue(cursor: Cursor, job_id: str) -> list[Notice]:
    """Queue a scheduled or retrying job, whatever its time. Return its notice."""
    cursor.execute(QUEUE, (job_id,))
    return [Notice._make(row) for row in cursor.fetchall()]
