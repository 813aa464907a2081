"""Makes delayed jobs and retries due."""

from __future__ import annotations

from collections.abc import Sequence

from mahaam.jobs.notice import Notice
from mahaam.postgres.by_key import recheck
from mahaam.postgres.database import Cursor

# Index: job_due. SKIP LOCKED lets any number of consumers do this side by side. What is due together
# is queued a microsecond apart, in the order of its times: else the ids would decide, and with
# them the clocks of clients. To write a row takes longer than that.
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
    """Move jobs whose time has come to queued; returns what to ring.

    Those in `but` are left alone; `keys` are all that it is about (None: any job).
    """
    only = None if keys is None else list(keys)
    cursor.execute(MAKE_DUE, {"limit": limit, "but": list(but), "only": only})
    return [Notice._make(row) for row in cursor.fetchall()]


def find_due(cursor: Cursor, *, limit: int = 1000, but: Sequence[str] = ()) -> list[str]:
    """The ids of the jobs that `make_due` would move."""
    cursor.execute(FIND_DUE, {"limit": limit, "but": list(but)})
    return [id_ for (id_,) in cursor.fetchall()]
