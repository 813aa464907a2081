"""Queueing ended jobs again, by their ids or by their dead letters."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from mahaam.jobs.notice import Notice
from mahaam.jobs.states import LIVE, Event, State, sources
from mahaam.postgres.by_key import recheck
from mahaam.postgres.database import Cursor

HOLDING = ", ".join(f"'{state}'" for state in sorted(LIVE))


class Requeued(NamedTuple):
    """A job that was queued again and the dead letters that this closed."""

    id: str
    queue: str
    priority: int
    state: str
    queued_at: datetime | None  # None: the job is scheduled
    letters: list[int]

    @property
    def ring(self) -> Notice | None:
        """Return the notice for Redis; None while the job is scheduled."""
        if self.state != State.QUEUED or self.queued_at is None:
            return None
        return Notice(self.queue, self.priority, self.id, self.queued_at)


# Locks jobs, then dead letters, each in the order of their ids, so that two operators wait for each
# other instead of deadlocking. Only the job's row records a completed attempt: the attempt is
# inserted before the row is reset. Of several jobs with one dedupe key the newest is queued.
# The parts of the WITH list are not joined: for a thousand rows that would be a million pairs.
# The jobs are queued a microsecond apart, in the order of their creation (see due.MAKE_DUE).
# Index: job_pkey, job_dedupe_key_live, dead_letter_job.
REQUEUE = f"""
WITH locked AS (
  SELECT id, state, attempt, worker_id, created_at, queued_at, started_at, finished_at, dedupe_key FROM job
  WHERE id = ANY(%%(ids)s::uuid[]) AND {recheck("state = ANY(%%(sources)s)")} ORDER BY id FOR UPDATE
), letter AS (
  SELECT dead_letter.id, job_id FROM dead_letter
  WHERE job_id = ANY(ARRAY(SELECT id FROM locked))
    AND {recheck("resolved_at IS NULL AND reprocessed_at IS NULL")}
  ORDER BY id + 0 FOR UPDATE  -- not the order of an index, which would be walked for its sake
), ranked AS (
  SELECT *, row_number() OVER (PARTITION BY dedupe_key ORDER BY id DESC) AS rank FROM locked
), free AS (
  SELECT ranked.* FROM ranked
  WHERE (%(kept)s) AND (dedupe_key IS NULL OR rank = 1 AND NOT EXISTS (
    SELECT FROM job AS holder
    WHERE holder.dedupe_key = ranked.dedupe_key AND holder.state IN ({HOLDING}) OFFSET 0))
), moved AS (
  UPDATE job
  SET state = CASE WHEN %%(spread_s)s::float8 IS NULL THEN 'queued' ELSE 'scheduled' END,
      queued_at = CASE WHEN %%(spread_s)s::float8 IS NULL
                       THEN now() + array_position(ARRAY(SELECT id FROM free ORDER BY created_at, id), id)
                            * interval '1 microsecond' END,
      run_at = now() + random() * %%(spread_s)s::float8 * interval '1 second',
      expires_at = NULL, started_at = NULL, finished_at = NULL, worker_id = NULL,
      retry_count = 0, crash_count = 0, progress = NULL, progress_text = NULL, result = NULL,
      error = NULL, cancel_requested_at = NULL, cancel_requested_by = NULL, stop_note = NULL,
      args = coalesce(%%(args)s::jsonb, job.args), kwargs = coalesce(%%(kwargs)s::jsonb, job.kwargs),
      shown = CASE WHEN %%(args)s::jsonb IS NULL AND %%(kwargs)s::jsonb IS NULL THEN job.shown
                   ELSE %%(shown)s::jsonb END
  WHERE id = ANY(ARRAY(SELECT id FROM free)) AND {recheck("state = ANY(%%(sources)s)")}
  RETURNING id, queue, priority, state, queued_at AS queued_again_at
), noted AS (
  INSERT INTO attempt (job_id, number, worker_id, queued_at, started_at, finished_at, outcome)
  SELECT id, attempt, worker_id, queued_at, started_at, finished_at, 'completed'
  FROM free WHERE state = 'completed' AND id = ANY(ARRAY(SELECT id FROM moved))
  ON CONFLICT DO NOTHING
), closed AS (
  UPDATE dead_letter SET reprocessed_at = now(), reprocessed_by = %%(by)s
  WHERE job_id = ANY(ARRAY(SELECT id FROM moved)) AND id = ANY(ARRAY(SELECT id FROM letter))
  RETURNING id, job_id
)
SELECT id::text, queue, priority, state, queued_again_at, NULL FROM moved
UNION ALL SELECT job_id::text, NULL, NULL, NULL, NULL, id FROM closed
"""

RETRY = REQUEUE % {"kept": "true"}

REPROCESS = REQUEUE % {
    "kept": "id = ANY(ARRAY(SELECT job_id FROM letter WHERE letter.id = ANY(%(letters)s)))"
}

JOBS_OF = "SELECT job_id::text FROM dead_letter WHERE id = ANY(%s)"


def retry(
    cursor: Cursor,
    ids: Sequence[str],
    *,
    by: str,
    args: str | None = None,
    kwargs: str | None = None,
    shown: str | None = None,
    spread_s: float | None = None,
) -> list[Requeued]:
    """Queue failed, cancelled, expired and completed jobs again, with their retry count reset.

    `args` and `kwargs`, as JSON, replace the old ones, and `shown` what searches may see of both.
    With `spread_s` each job is scheduled for a random time within that many seconds.
    Raises psycopg2.errors.UniqueViolation when a job with the same dedupe key came at this moment.
    """
    more = {"args": args, "kwargs": kwargs, "shown": shown, "spread_s": spread_s}
    return _requeue(cursor, RETRY, ids, by=by, **more)


def reprocess(
    cursor: Cursor, letters: Sequence[int], *, by: str, spread_s: float | None = None
) -> list[Requeued]:
    """Do as `retry` does, for the jobs of those dead letters in `letters` that are open."""
    cursor.execute(JOBS_OF, (list(letters),))
    ids = [row[0] for row in cursor.fetchall()]
    more = {
        "args": None,
        "kwargs": None,
        "shown": None,
        "spread_s": spread_s,
        "letters": list(letters),
    }
    return _requeue(cursor, REPROCESS, ids, by=by, **more)


def _requeue(
    cursor: Cursor, statement: str, ids: Sequence[str], *, by: str, **more: object
) -> list[Requeued]:
    values = {"ids": list(ids), "sources": list(sources(Event.RETRIED)), "by": by}
    cursor.execute(statement, {**values, **more})
    moved: dict[str, Requeued] = {}
    closed: list[tuple[str, int]] = []
    for id_, queue, priority, state, queued_at, letter in cursor.fetchall():
        if letter is None:
            moved[id_] = Requeued(id_, queue, priority, state, queued_at, [])
        else:
            closed.append((id_, letter))
    for id_, letter in closed:
        moved[id_].letters.append(letter)
    return list(moved.values())
