"""Marking completed jobs as failed, so that operators can practise handling failures."""

from __future__ import annotations

from collections.abc import Sequence

from mahaam.jobs.outcome import Failure
from mahaam.jobs.states import Event, sources
from mahaam.postgres.by_key import recheck
from mahaam.postgres.database import Cursor
from mahaam.store.bury import buried

BURIED = buried("""SELECT id, attempt, task, queue, %(error_class)s, %(message)s, %(traceback)s,
           %(error_class)s, %(message)s, %(traceback)s, %(fingerprint)s, retry_count
    FROM moved""")

# Only the job's row records the completed attempt: the attempt is inserted before the row changes.
# No follow-ups are written: the completion has written them. Index: job_pkey.
TURN = f"""
WITH locked AS (
  SELECT id, attempt, worker_id, queued_at, started_at, finished_at FROM job
  WHERE id = ANY(%(ids)s::uuid[]) AND {recheck("state = ANY(%(sources)s)")} ORDER BY id FOR UPDATE
), moved AS (
  UPDATE job SET state = 'failed', finished_at = now(), result = NULL, error = %(line)s
  WHERE id = ANY(ARRAY(SELECT id FROM locked)) AND {recheck("state = ANY(%(sources)s)")}
  RETURNING id, task, queue, attempt, retry_count
), noted AS (
  INSERT INTO attempt (job_id, number, worker_id, queued_at, started_at, finished_at, outcome)
  SELECT id, attempt, worker_id, queued_at, started_at, finished_at, 'completed'
  FROM locked WHERE id = ANY(ARRAY(SELECT id FROM moved))
  ON CONFLICT DO NOTHING
), {BURIED}
SELECT id::text FROM moved
"""


def turn(cursor: Cursor, ids: Sequence[str], failure: Failure) -> list[str]:
    """Mark completed jobs as failed, each with a dead letter for `failure`. Return their ids."""
    values = {
        "ids": list(ids),
        "sources": list(sources(Event.TURNED)),
        "line": failure.line[:500],
        "error_class": failure.error_class,
        "message": failure.message,
        "traceback": failure.traceback,
        "fingerprint": failure.fingerprint,
    }
    cursor.execute(TURN, values)
    return [row[0] for row in cursor.fetchall()]
