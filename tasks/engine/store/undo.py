"""Gives jobs and dead letters back the columns that they had before an operation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tasks.engine.database import Cursor
from tasks.engine.states import HELD_UNTIL, LIVE, State
from tasks.engine.store import pauses
from tasks.engine.store.due import Ring
from tasks.engine.store.operations import TYPES, Done, snapshot

# Only a row that is still as the operation left it goes back. A job that would hold a dedupe key
# again which another live one has by now does not; of twins the newest goes back.
# Index: operation_result_pkey, job_pkey, job_dedupe_key_live.
JOBS = """
WITH locked AS (
  SELECT job.id, job.queue, job.priority, result.before FROM job
  JOIN operation_result AS result ON result.job_id = job.id
  WHERE operation_id = %(id)s AND result.number = ANY(%(numbers)s) AND {now} = result.after
    AND job.state = ANY(%(states)s)
    AND (dedupe_key IS NULL OR job.state = ANY(%(live)s) OR NOT EXISTS (
      SELECT FROM job AS holder
      WHERE holder.dedupe_key = job.dedupe_key AND holder.state = ANY(%(live)s)))
  ORDER BY job.id FOR UPDATE OF job
)
UPDATE job SET {given_back} FROM locked
WHERE job.id = locked.id AND job.state = ANY(%(states)s)
  AND (job.dedupe_key IS NULL OR job.state = ANY(%(live)s) OR NOT EXISTS (
    SELECT FROM locked AS other JOIN job AS twin ON twin.id = other.id
    WHERE twin.dedupe_key = job.dedupe_key AND twin.id > job.id))
RETURNING job.id::text, locked.queue, locked.priority, job.queue, job.priority, job.state,
          job.run_at IS NOT DISTINCT FROM %(held_until)s
"""

LETTERS = """
UPDATE dead_letter SET {given_back}
FROM (
  SELECT dead_letter.id, result.before, result.after FROM dead_letter
  JOIN operation_result AS result ON result.dead_letter_id = dead_letter.id
  WHERE operation_id = %(id)s AND result.number = ANY(%(numbers)s)
  ORDER BY dead_letter.id FOR UPDATE OF dead_letter
) AS locked
WHERE dead_letter.id = locked.id AND {now} = locked.after
  AND EXISTS (SELECT FROM job WHERE job.id = dead_letter.job_id AND job.state = 'failed'
                AND job.attempt = dead_letter.attempt)
RETURNING dead_letter.id
"""

# The end of a pause waits for this lock, and so sees what is held again (see pauses.HOLD).
KEEP_PAUSES = """
SELECT FROM task_pause WHERE task IN (SELECT task FROM job WHERE id = ANY(%s::uuid[]))
ORDER BY task FOR SHARE
"""


# Index: job_pkey.
OPTIONS = """
SELECT id::text, options::text FROM job WHERE id = ANY(%s::uuid[]) AND options IS NOT NULL
"""


class Back(NamedTuple):
    """What went back, what Redis may forget and what it must know of."""

    ids: set[str] | set[int]
    silenced: list[Ring]
    rings: list[Ring]


def jobs(
    cursor: Cursor,
    operation_id: int,
    chunk: Sequence[Done],
    *,
    columns: Sequence[str],
    states: Sequence[str],
) -> Back:
    """Let the jobs of a chunk of results go back that still are as they were left, in `states`.

    For a transaction. Raises psycopg2.errors.UniqueViolation when a job with the same dedupe key
    came at this moment.
    """
    cursor.execute(KEEP_PAUSES, ([done.job_id for done in chunk],))
    now, given_back = snapshot(columns, "job"), _given_back("job", columns)
    values = {"states": list(states), "live": sorted(LIVE), "held_until": HELD_UNTIL}
    _run(cursor, JOBS.format(now=now, given_back=given_back), operation_id, chunk, **values)
    rows = cursor.fetchall()
    rings = [
        Ring(queue, priority, id_)
        for id_, _, _, queue, priority, state, _ in rows
        if state == State.QUEUED
    ]
    if any(state == State.SCHEDULED and is_held for *_, state, is_held in rows):
        rings += pauses.let_go(cursor)  # its task may not be paused any more
    silenced = [Ring(queue, priority, id_) for id_, queue, priority, *_ in rows]
    return Back({row[0] for row in rows}, silenced, rings)


def letters(
    cursor: Cursor, operation_id: int, chunk: Sequence[Done], *, columns: Sequence[str]
) -> Back:
    """As `jobs`, for dead letters."""
    now, given_back = snapshot(columns, "dead_letter"), _given_back("dead_letter", columns)
    _run(cursor, LETTERS.format(now=now, given_back=given_back), operation_id, chunk)
    return Back({row[0] for row in cursor.fetchall()}, [], [])


def options(cursor: Cursor, ids: Sequence[str]) -> dict[str, str]:
    """What rides along with jobs, as JSON, by their ids."""
    cursor.execute(OPTIONS, (list(ids),))
    return dict(cursor.fetchall())


def _run(
    cursor: Cursor, statement: str, operation_id: int, chunk: Sequence[Done], **more: object
) -> None:
    numbers = [done.number for done in chunk]
    cursor.execute(statement, {"id": operation_id, "numbers": numbers, **more})


def _given_back(kind: str, columns: Sequence[str]) -> str:
    return ", ".join(
        f"{name} = (locked.before->>'{name}')::{TYPES[kind][name]}" for name in columns
    )
