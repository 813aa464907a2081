"""SQL that restores the columns that jobs and dead letters had before an operation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mahaam.jobs.notice import Member, Notice
from mahaam.jobs.states import HELD_UNTIL, LIVE, State
from mahaam.operations.store import TYPES, UndoEntry, snapshot
from mahaam.postgres.by_key import recheck
from mahaam.postgres.database import Cursor
from mahaam.store.actions import pauses

# Only a row that is still as the operation left it is restored. A job whose dedupe key another live
# job holds by now is not; of several jobs with one key the newest is restored. A restored job has
# its position in its queue again, by the time at which it was queued. Index: operation_result_pkey
# (by a range, since results of one batch stand side by side), job_pkey, job_dedupe_key_live.
JOBS = """
WITH locked AS (
  SELECT found.*, result.before FROM (
    SELECT job_id, before, after FROM operation_result
    WHERE operation_id = %(operation_id)s AND number BETWEEN %(first)s AND %(last)s AND {is_chosen}
    ORDER BY job_id OFFSET 0
  ) AS result, LATERAL (
    SELECT id, queue, state, dedupe_key FROM job
    WHERE job.id = result.job_id AND {now} = result.after AND {is_left}
      AND (dedupe_key IS NULL OR job.state = ANY(%(live)s) OR NOT EXISTS (
        SELECT FROM job AS holder
        WHERE holder.dedupe_key = job.dedupe_key AND holder.state = ANY(%(live)s) OFFSET 0))
    FOR UPDATE
  ) AS found
), ranked AS (
  SELECT *, row_number() OVER (PARTITION BY dedupe_key ORDER BY id DESC) AS rank FROM locked
), chunk AS (
  SELECT array_agg(id) AS ids, jsonb_object_agg(id, to_jsonb(ranked)) AS rows FROM ranked
  WHERE dedupe_key IS NULL OR state = ANY(%(live)s) OR rank = 1
)
UPDATE job SET {given_back}{queued} FROM chunk WHERE job.id = ANY(chunk.ids) AND {is_left}
RETURNING job.id::text, chunk.rows->job.id::text->>'queue', job.queue, job.priority, job.state,
          job.queued_at, job.run_at IS NOT DISTINCT FROM %(held_until)s
"""
IS_LEFT = recheck("job.state = ANY(%(states)s)")

# A queued job has a time of queueing, whatever states it went through.
QUEUED = """, queued_at = CASE WHEN chunk.rows->job.id::text->'before'->>'state' = 'queued'
                               THEN coalesce(job.queued_at, now()) ELSE job.queued_at END"""

LETTERS = """
WITH chunk AS (
  SELECT array_agg(found.id) AS ids, jsonb_object_agg(found.id, to_jsonb(result)) AS rows FROM (
    SELECT dead_letter_id, before, after FROM operation_result
    WHERE operation_id = %(operation_id)s AND number BETWEEN %(first)s AND %(last)s AND {is_chosen}
    ORDER BY dead_letter_id OFFSET 0
  ) AS result, LATERAL (
    SELECT id FROM dead_letter
    WHERE dead_letter.id = result.dead_letter_id AND {now} = result.after
    FOR UPDATE
  ) AS found
)
UPDATE dead_letter SET {given_back} FROM chunk
WHERE dead_letter.id = ANY(chunk.ids)
  AND EXISTS (SELECT FROM job WHERE job.id = dead_letter.job_id AND {is_failed} OFFSET 0)
RETURNING dead_letter.id
"""
IS_CHOSEN = recheck("number = ANY(%(numbers)s)")
IS_FAILED = recheck("job.state = 'failed' AND job.attempt = dead_letter.attempt")

# The end of a pause waits for this lock, and so sees what is held again (see pauses.HOLD).
KEEP_PAUSES = """
SELECT FROM task_pause WHERE task IN (SELECT task FROM job WHERE id = ANY(%s::uuid[]))
ORDER BY task FOR SHARE
"""


# Index: job_pkey.
OPTIONS = """
SELECT id::text, options::text FROM job WHERE id = ANY(%s::uuid[]) AND options IS NOT NULL
"""


class Restored(NamedTuple):
    """What was restored, what Redis may forget and which notices it needs."""

    ids: set[str] | set[int]
    silenced: list[Member]
    notices: list[Notice]


def jobs(
    cursor: Cursor,
    operation_id: int,
    chunk: Sequence[UndoEntry],
    *,
    columns: Sequence[str],
    states: Sequence[str],
) -> Restored:
    """Restore the jobs of a batch of results that are still as they were left, in `states`.

    For a transaction. Raises psycopg2.errors.UniqueViolation when a job with the same dedupe key
    was enqueued at this moment.
    """
    cursor.execute(KEEP_PAUSES, ([done.job_id for done in chunk],))
    now, given_back = snapshot(columns, "job"), _given_back("job", columns)
    values = {"states": list(states), "live": sorted(LIVE), "held_until": HELD_UNTIL}
    queued = "" if "queued_at" in columns or "state" not in columns else QUEUED
    statement = JOBS.format(
        now=now, given_back=given_back, queued=queued, is_chosen=IS_CHOSEN, is_left=IS_LEFT
    )
    _run(cursor, statement, operation_id, chunk, **values)
    rows = cursor.fetchall()
    notices = [
        Notice(queue, priority, id_, queued_at)
        for id_, _, queue, priority, state, queued_at, _ in rows
        if state == State.QUEUED
    ]
    if any(state == State.SCHEDULED and is_held for *_, state, _, is_held in rows):
        notices += pauses.let_go(cursor)  # its task may no longer be paused
    silenced = [Member(queue, id_) for id_, queue, *_ in rows]
    return Restored({row[0] for row in rows}, silenced, notices)


def letters(
    cursor: Cursor, operation_id: int, chunk: Sequence[UndoEntry], *, columns: Sequence[str]
) -> Restored:
    """Do as `jobs` does, for dead letters."""
    now, given_back = snapshot(columns, "dead_letter"), _given_back("dead_letter", columns)
    statement = LETTERS.format(
        now=now, given_back=given_back, is_chosen=IS_CHOSEN, is_failed=IS_FAILED
    )
    _run(cursor, statement, operation_id, chunk)
    return Restored({row[0] for row in cursor.fetchall()}, [], [])


def options(cursor: Cursor, ids: Sequence[str]) -> dict[str, str]:
    """Return the options of jobs, as JSON, by their ids."""
    cursor.execute(OPTIONS, (list(ids),))
    return dict(cursor.fetchall())


def _run(
    cursor: Cursor, statement: str, operation_id: int, chunk: Sequence[UndoEntry], **more: object
) -> None:
    numbers = [done.number for done in chunk]
    span = {"first": min(numbers, default=0), "last": max(numbers, default=-1)}
    cursor.execute(statement, {"operation_id": operation_id, "numbers": numbers, **span, **more})


def _given_back(kind: str, columns: Sequence[str]) -> str:
    return ", ".join(
        f"{name} = (chunk.rows->{kind}.id::text->'before'->>'{name}')::{TYPES[kind][name]}"
        for name in columns
    )
