"""Starts jobs: queued to running, for one worker, each job once."""

from __future__ import annotations

from typing import NamedTuple

from tasks.engine.database import Cursor


class Claim(NamedTuple):
    """A started job as its row stood at the start; `(id, attempt, worker_id)` is its fence."""

    id: str
    attempt: int
    worker_id: str
    state: str
    task: str
    queue: str
    priority: int
    args: str
    kwargs: str
    options: str | None
    retry_count: int
    max_retries: int
    retry_delay_s: float
    retry_backoff: float
    retry_jitter: bool
    timeout_s: float | None

    @property
    def fence(self) -> tuple[str, int]:
        """What a worker knows its start by."""
        return self.id, self.attempt


# Index: job_pkey. A job past its expiry ends here instead of starting. `unsure` are ids of a
# claim whose answer was lost: if it had been carried out, the rows are running and ours already.
# A worker that was given up as lost gets nothing, even if it has not noticed yet.
CLAIM = """
UPDATE job
SET state = CASE WHEN expires_at <= now() THEN 'expired' ELSE 'running' END,
    finished_at = CASE WHEN expires_at <= now() THEN now() END,
    started_at = CASE WHEN expires_at <= now() THEN NULL ELSE now() END,
    attempt = attempt + CASE WHEN expires_at <= now() OR state = 'running' THEN 0 ELSE 1 END,
    worker_id = %(worker_id)s
WHERE id = ANY(%(ids)s::uuid[])
  AND (state = 'queued'
       OR state = 'running' AND worker_id = %(worker_id)s AND id = ANY(%(unsure)s::uuid[]))
  AND EXISTS (SELECT FROM worker
              WHERE worker.id = %(worker_id)s AND worker.state IN ('running', 'stopping'))
RETURNING id::text, attempt, worker_id::text, state, task, queue, priority, args::text, kwargs::text,
          options::text, retry_count, max_retries, retry_delay_s, retry_backoff, retry_jitter, timeout_s
"""

# PostgreSQL may lose the last claims in a crash (they are committed without waiting for the disk):
# the row says queued again while the job runs here. The runner takes its row back.
REASSERT = """
UPDATE job
SET state = 'running', attempt = held.attempt, started_at = now(), worker_id = held.worker_id
FROM unnest(%(ids)s::uuid[], %(attempts)s::int[], %(workers)s::uuid[]) AS held(id, attempt, worker_id)
WHERE job.id = held.id AND job.state = 'queued' AND job.attempt = held.attempt - 1
RETURNING job.id::text
"""


def claim(cursor: Cursor, ids: list[str], *, worker_id: str, unsure: list[str]) -> list[Claim]:
    """Start those of `ids` that are queued; what is not returned is not ours to run."""
    cursor.execute(CLAIM, {"ids": ids, "worker_id": worker_id, "unsure": unsure})
    return [Claim._make(row) for row in cursor.fetchall()]


def reassert(cursor: Cursor, held: list[Claim]) -> list[str]:
    """Take back rows of running jobs whose claim PostgreSQL lost; returns their ids."""
    cursor.execute(
        REASSERT,
        {
            "ids": [start.id for start in held],
            "attempts": [start.attempt for start in held],
            "workers": [start.worker_id for start in held],
        },
    )
    return [row[0] for row in cursor.fetchall()]
