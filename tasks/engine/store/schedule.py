"""What Huey's API does to jobs that wait: reads them off the schedule, queues them again."""

from __future__ import annotations

from datetime import datetime

from tasks.engine.database import Cursor
from tasks.engine.ring import Ring

# Index: job_due.
READ = """
UPDATE job SET state = 'queued', queued_at = now()
WHERE id IN (
  SELECT id FROM job WHERE state IN ('scheduled', 'retrying') AND run_at <= %(until)s
  ORDER BY run_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
) AND state IN ('scheduled', 'retrying')
RETURNING id::text
"""

QUEUE = """
UPDATE job SET state = 'queued', queued_at = now()
WHERE id = %s::uuid AND state IN ('scheduled', 'retrying')
RETURNING queue, priority, id::text, queued_at
"""


def read(cursor: Cursor, *, until: datetime, limit: int) -> list[str]:
    """Scheduled, retrying to queued for what is to run by `until`; returns the ids."""
    cursor.execute(READ, {"until": until, "limit": limit})
    return [row[0] for row in cursor.fetchall()]


def queue(cursor: Cursor, job_id: str) -> list[Ring]:
    """Scheduled, retrying to queued for one job, whatever its time."""
    cursor.execute(QUEUE, (job_id,))
    return [Ring._make(row) for row in cursor.fetchall()]
