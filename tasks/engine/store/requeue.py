"""Queues jobs again that have ended, by their ids or by their dead letters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tasks.engine.database import Cursor
from tasks.engine.states import LIVE, Event, State, sources
from tasks.engine.store.due import Ring

HOLDING = ", ".join(f"'{state}'" for state in sorted(LIVE))


class Requeued(NamedTuple):
    """A job that runs again and the dead letters that this closed."""

    id: str
    queue: str
    priority: int
    state: str
    letters: list[int]

    @property
    def ring(self) -> Ring | None:
        """What Redis must know of it; None while it waits for its turn."""
        is_queued = self.state == State.QUEUED
        return Ring(self.queue, self.priority, self.id) if is_queued else None


# Locks jobs, then letters, each in the order of their ids, so that two operators wait for each
# other instead of blocking each other. The completed attempt is known to the job's row alone:
# it is noted before the row forgets it. Of several jobs with one dedupe key the newest is taken.
# Index: job_pkey, job_dedupe_key_live, dead_letter_job.
REQUEUE = f"""
WITH locked AS (
  SELECT id, state, attempt, worker_id, queued_at, started_at, finished_at, dedupe_key FROM job
  WHERE id IN (%(chosen)s) AND state = ANY(%%(sources)s) ORDER BY id FOR UPDATE
), letter AS (
  SELECT dead_letter.id, job_id FROM dead_letter JOIN locked ON locked.id = job_id
  WHERE resolved_at IS NULL AND reprocessed_at IS NULL
  ORDER BY dead_letter.id FOR UPDATE OF dead_letter
), free AS (
  SELECT locked.* FROM locked
  WHERE (%(kept)s) AND (dedupe_key IS NULL OR NOT EXISTS (
    SELECT FROM job AS holder
    WHERE holder.dedupe_key = locked.dedupe_key AND holder.state IN ({HOLDING})
  ) AND id = (SELECT max(twin.id::text)::uuid FROM locked AS twin
              WHERE twin.dedupe_key = locked.dedupe_key))
), moved AS (
  UPDATE job
  SET state = CASE WHEN %%(spread_s)s::float8 IS NULL THEN 'queued' ELSE 'scheduled' END,
      queued_at = CASE WHEN %%(spread_s)s::float8 IS NULL THEN now() END,
      run_at = now() + random() * %%(spread_s)s::float8 * interval '1 second',
      expires_at = NULL, started_at = NULL, finished_at = NULL, worker_id = NULL,
      retry_count = 0, crash_count = 0, progress = NULL, progress_text = NULL, result = NULL,
      error = NULL, cancel_requested_at = NULL, cancel_requested_by = NULL, stop_note = NULL,
      args = coalesce(%%(args)s::jsonb, job.args), kwargs = coalesce(%%(kwargs)s::jsonb, job.kwargs)
  FROM free WHERE job.id = free.id AND job.state = ANY(%%(sources)s)
  RETURNING job.id, job.queue, job.priority, job.state
), noted AS (
  INSERT INTO attempt (job_id, number, worker_id, queued_at, started_at, finished_at, outcome)
  SELECT id, attempt, worker_id, queued_at, started_at, finished_at, 'completed'
  FROM free JOIN moved USING (id) WHERE free.state = 'completed'
  ON CONFLICT DO NOTHING
), closed AS (
  UPDATE dead_letter SET reprocessed_at = now(), reprocessed_by = %%(by)s
  FROM letter JOIN moved ON moved.id = letter.job_id WHERE dead_letter.id = letter.id
  RETURNING dead_letter.id, dead_letter.job_id
)
SELECT moved.id::text, queue, priority, state, array_remove(array_agg(closed.id), NULL)
FROM moved LEFT JOIN closed ON closed.job_id = moved.id GROUP BY moved.id, queue, priority, state
"""

RETRY = REQUEUE % {"chosen": "SELECT unnest(%(ids)s::uuid[])", "kept": "true"}

REPROCESS = REQUEUE % {
    "chosen": "SELECT job_id FROM dead_letter WHERE id = ANY(%(ids)s)",
    "kept": "id IN (SELECT job_id FROM letter WHERE letter.id = ANY(%(ids)s))",
}


def retry(
    cursor: Cursor,
    ids: Sequence[str],
    *,
    by: str,
    args: str | None = None,
    kwargs: str | None = None,
    spread_s: float | None = None,
) -> list[Requeued]:
    """Failed, cancelled, expired, completed to queued, with all retries granted anew.

    `args` and `kwargs`, as JSON, take the place of the old ones. With `spread_s` each is scheduled
    for a moment of its own within so many seconds.
    Raises psycopg2.errors.UniqueViolation when a job with the same dedupe key came at this moment.
    """
    more = {"args": args, "kwargs": kwargs, "spread_s": spread_s}
    return _requeue(cursor, RETRY, list(ids), by=by, **more)


def reprocess(
    cursor: Cursor, letters: Sequence[int], *, by: str, spread_s: float | None = None
) -> list[Requeued]:
    """As `retry`, for the jobs of those of `letters` that are open."""
    more = {"args": None, "kwargs": None, "spread_s": spread_s}
    return _requeue(cursor, REPROCESS, list(letters), by=by, **more)


def _requeue(
    cursor: Cursor,
    statement: str,
    ids: list[str] | list[int],
    *,
    by: str,
    **more: str | float | None,
) -> list[Requeued]:
    values = {"ids": ids, "sources": list(sources(Event.RETRIED)), "by": by}
    cursor.execute(statement, {**values, **more})
    return [Requeued._make(row) for row in cursor.fetchall()]
