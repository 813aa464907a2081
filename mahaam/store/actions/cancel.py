"""Cancelling of waiting jobs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from mahaam.jobs.derive_follow_ups import FinalState
from mahaam.jobs.notice import Notice
from mahaam.jobs.states import WAITING, State
from mahaam.postgres.by_key import recheck
from mahaam.postgres.database import Cursor
from mahaam.store import follow_ups

CANCELLABLE = sorted(WAITING)

# Index: job_pkey.
CANCEL = f"""
WITH locked AS (
  SELECT id FROM job WHERE id = ANY(%(ids)s::uuid[]) AND {recheck("state = ANY(%(sources)s)")}
  ORDER BY id FOR UPDATE
)
UPDATE job SET state = 'cancelled', finished_at = now()
WHERE id = ANY(ARRAY(SELECT id FROM locked)) AND {recheck("state = ANY(%(sources)s)")}
RETURNING queue, priority, id::text, queued_at, options::text
"""

# Index: job_waiting. The next batch begins behind the last one. A row that is locked is being
# started at this moment: its job is not queued any more.
CLEAR = """
WITH locked AS (
  SELECT id FROM job
  WHERE state = 'queued' AND queue = %(queue)s AND queued_at <= %(until)s
    AND priority <= %(priority)s
    AND (priority < %(priority)s OR (queued_at, id) > (%(queued_at)s, %(id)s::uuid))
  ORDER BY priority DESC, queued_at, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
UPDATE job SET state = 'cancelled', finished_at = now()
FROM locked WHERE job.id = locked.id AND job.state = 'queued'
RETURNING queue, priority, job.id::text, queued_at, options::text
"""


class CancelledJob(NamedTuple):
    """A job that was cancelled; `queued_at` is None when it was not queued."""

    queue: str
    priority: int
    id: str
    queued_at: datetime | None


class Cancelled(NamedTuple):
    """Cancelled jobs, whose notices Redis may drop, and the notices of their follow-ups."""

    jobs: list[CancelledJob]
    following: list[Notice]


def cancel(cursor: Cursor, ids: Sequence[str]) -> Cancelled:
    """Cancel scheduled, queued and retrying jobs. To be called in a transaction."""
    cursor.execute(CANCEL, {"ids": list(ids), "sources": CANCELLABLE})
    return _cancelled(cursor)


def clear(
    cursor: Cursor, queue: str, *, until: object, after: CancelledJob, limit: int = 1000
) -> Cancelled:
    """Cancel the next jobs of `queue` behind `after` that were queued by the time `until`.

    To be called in a transaction.
    """
    cursor.execute(
        CLEAR,
        {
            "queue": queue,
            "until": until,
            "priority": after.priority,
            "queued_at": after.queued_at,
            "id": after.id,
            "limit": limit,
        },
    )
    return _cancelled(cursor)


def _cancelled(cursor: Cursor) -> Cancelled:
    rows = [(CancelledJob(*job), options) for *job, options in cursor]
    ends = [FinalState(job.id, options, State.CANCELLED) for job, options in rows]
    return Cancelled([job for job, _ in rows], follow_ups.of_ends(cursor, ends))
