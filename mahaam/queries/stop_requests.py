"""Requests to stop running jobs."""

from __future__ import annotations

from mahaam.jobs.outcome import Fence
from mahaam.postgres.database import Cursor

# Index: job_running.
WANTED = """
SELECT id::text, attempt, coalesce(cancel_requested_by, 'an operator') FROM job
WHERE worker_id = %s AND state = 'running' AND cancel_requested_at IS NOT NULL
"""


def wanted(cursor: Cursor, worker_id: str) -> dict[Fence, str]:
    """Return the attempts in a worker that somebody asked to stop, and who did."""
    cursor.execute(WANTED, (worker_id,))
    return {(id_, attempt): by for id_, attempt, by in cursor.fetchall()}
