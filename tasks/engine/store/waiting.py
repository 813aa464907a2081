"""Changes jobs that wait: cancels them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tasks.engine.consequence import End
from tasks.engine.database import Cursor
from tasks.engine.states import WAITING, State
from tasks.engine.store import consequences
from tasks.engine.store.by_key import recheck
from tasks.engine.store.due import Ring

CANCELLABLE = sorted(WAITING)

# Index: job_pkey.
CANCEL = f"""
WITH locked AS (
  SELECT id FROM job WHERE id = ANY(%(ids)s::uuid[]) AND {recheck("state = ANY(%(sources)s)")}
  ORDER BY id FOR UPDATE
)
UPDATE job SET state = 'cancelled', finished_at = now()
WHERE id = ANY(ARRAY(SELECT id FROM locked)) AND {recheck("state = ANY(%(sources)s)")}
RETURNING queue, priority, id::text, options::text
"""

# Index: job_waiting. The next chunk begins behind the last one. A row that is locked is being
# started at this moment: it is not queued any more.
CLEAR = """
WITH locked AS (
  SELECT id FROM job
  WHERE state = 'queued' AND queue = %(queue)s AND queued_at <= %(until)s
    AND priority <= %(priority)s AND (priority < %(priority)s OR id > %(id)s::uuid)
  ORDER BY priority DESC, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
UPDATE job SET state = 'cancelled', finished_at = now()
FROM locked WHERE job.id = locked.id AND job.state = 'queued'
RETURNING queue, priority, job.id::text, options::text
"""


class Cancelled(NamedTuple):
    """Jobs that are cancelled, which Redis may forget, and what follows, which it must know of."""

    jobs: list[Ring]
    following: list[Ring]


def cancel(cursor: Cursor, ids: Sequence[str]) -> Cancelled:
    """Scheduled, queued, retrying to cancelled; to be called in a transaction."""
    cursor.execute(CANCEL, {"ids": list(ids), "sources": CANCELLABLE})
    return _cancelled(cursor)


def clear(
    cursor: Cursor, queue: str, *, until: object, after: Ring, limit: int = 1000
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
            "id": after.id,
            "limit": limit,
        },
    )
    return _cancelled(cursor)


def _cancelled(cursor: Cursor) -> Cancelled:
    rows = [(Ring(queue, priority, id_), options) for queue, priority, id_, options in cursor]
    ends = [End(ring.id, options, State.CANCELLED) for ring, options in rows]
    return Cancelled([ring for ring, _ in rows], consequences.of_ends(cursor, ends))
