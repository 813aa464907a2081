"""Requests that running jobs stop, and the reason why one has not stopped."""

from __future__ import annotations

from collections.abc import Sequence

from mahaam.jobs.outcome import Fence
from mahaam.postgres.by_key import recheck
from mahaam.postgres.database import Cursor

# Index: job_pkey. The first request counts: its actor is recorded as the one who stops the job.
ASK = f"""
WITH locked AS (
  SELECT id FROM job
  WHERE id = ANY(%(ids)s::uuid[]) AND {recheck("state = 'running' AND cancel_requested_at IS NULL")}
  ORDER BY id FOR UPDATE
)
UPDATE job SET cancel_requested_at = now(), cancel_requested_by = %(by)s
WHERE id = ANY(ARRAY(SELECT id FROM locked))
  AND {recheck("state = 'running' AND cancel_requested_at IS NULL")}
RETURNING id::text
"""

NOTE = """
UPDATE job SET stop_note = %(note)s
FROM unnest(%(ids)s::uuid[], %(attempts)s::int[]) AS held(id, attempt)
WHERE job.id = held.id AND job.attempt = held.attempt AND job.state = 'running'
"""

# Index: job_running.
NOTE_ALL = """
UPDATE job SET stop_note = %(note)s
WHERE worker_id = %(worker_id)s AND state = 'running'
  AND cancel_requested_at < now() - %(grace_s)s * interval '1 second'
  AND stop_note IS DISTINCT FROM %(note)s
RETURNING id::text
"""


def ask(cursor: Cursor, ids: Sequence[str], *, by: str) -> list[str]:
    """Ask those jobs of `ids` to stop that run and are not stopping yet. Return their ids."""
    cursor.execute(ASK, {"ids": list(ids), "by": by})
    return [row[0] for row in cursor.fetchall()]


def note(cursor: Cursor, fences: Sequence[Fence], note: str) -> None:
    """Record why attempts that were asked to stop still run."""
    ids, attempts = [id_ for id_, _ in fences], [attempt for _, attempt in fences]
    cursor.execute(NOTE, {"ids": ids, "attempts": attempts, "note": note})


def note_all(cursor: Cursor, worker_id: str, note: str, *, grace_s: float) -> list[str]:
    """Record one reason for all jobs of a worker asked to stop over `grace_s` ago. Return their ids."""
    cursor.execute(NOTE_ALL, {"worker_id": worker_id, "note": note, "grace_s": grace_s})
    return [row[0] for row in cursor.fetchall()]
