"""Queueing of delayed jobs and retries that are due."""

from __future__ import annotations

from collections.abc import Sequence

from mahaam.jobs.notice import Notice
from mahaam.postgres.by_key import recheck
from mahaam.postgres.database import Cursor

# Index: job_due. SKIP LOCKED lets any number of consumers do this side by side. Jobs that are due
# together are queued a microsecond apart, in the order of their times: otherwise the ids would decide
# the order, and with them the clocks of clients. Writing a row takes longer than a microsecond.
QUEUE = """
WITH due AS (
  SELECT id, run_at FROM job WHERE state IN ('scheduled', 'retrying') AND {is_due}
  ORDER BY run_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), ordered AS (
  SELECT array_agg(id) AS ids, jsonb_object_agg(id, place) AS places
  FROM (SELECT id, row_number() OVER (ORDER BY run_at, id) AS place FROM due) AS placed
)
UPDATE job
SET state = 'queued',
    queued_at = now() + (ordered.places->>job.id::text)::int * interval '1 microsecond'
FROM ordered
WHERE job.id = ANY(ordered.ids) AND {is_waiting}
RETURNING job.queue, job.priority, job.id::text, job.queued_at
"""
IS_WAITING = recheck("job.state IN ('scheduled', 'retrying')")
MAKE_DUE = QUEUE.format(
    is_due="""run_at <= now()
    AND NOT id = ANY(%(but)s::uuid[]) AND (%(only)s::uuid[] IS NULL OR id = ANY(%(only)s::uuid[]))""",
    is_waiting=IS_WAITING,
)

FIND_DUE = """
SELECT id::text FROM job WHERE state IN ('scheduled', 'retrying') AND run_at <= now()
  AND NOT id = ANY(%(but)s::uuid[])
ORDER BY run_at LIMIT %(limit)s
"""


def make_due(
    cursor: Cursor, *, limit: int = 1000, but: Sequence[str] = (), keys: Sequence[str] | None = None
) -> list[Notice]:
    """Queue jobs that are due. Return the notices to ring.

    Skips the jobs in `but`; `keys` limits the change to these jobs (None: any job).
    """
    only = None if keys is None else list(keys)
    cursor.execute(MAKE_DUE, {"limit": limit, "but": list(but), "only": only})
    return [Notice._make(row) for row in cursor.fetchall()]


def find_due(cursor: Cursor, *, limit: int = 1000, but: Sequence[str] = ()) -> list[str]:
    """Return the ids of the jobs that `make_due` would queue."""
    cursor.execute(FIND_DUE, {"limit": limit, "but": list(but)})
    return [id_ for (id_,) in cursor.fetchall()]
