"""Pruning of ended jobs whose retention is over, the oldest first, a window of ids at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from mahaam.postgres.database import Cursor

NONE = "00000000-0000-0000-0000-000000000000"

# One consumer at a time takes a step; a second one skips it.
LOCK = "SELECT after::text FROM pruning FOR UPDATE SKIP LOCKED"

# A window of ids, in their order; ids are UUIDv7, so these are the oldest jobs, in whatever state.
# Jobs that stay are checked once per pass, because the next window begins behind them. A job that
# was created less than the shortest retention ago is not due. Index: job_pkey.
WINDOW = """
WITH seen AS (
  SELECT id, state, task, finished_at FROM job
  WHERE id > %(after)s::uuid AND id < %(before)s::uuid ORDER BY id LIMIT %(limit)s
), due AS (
  SELECT seen.id FROM seen
  LEFT JOIN unnest(%(tasks)s::text[], %(task_days)s::int[]) AS own(task, days) ON own.task = seen.task
  LEFT JOIN unnest(%(states)s::text[], %(state_days)s::int[]) AS usual(state, days)
    ON usual.state = seen.state
  WHERE seen.finished_at < now() - nullif(coalesce(own.days, usual.days), 0) * interval '1 day'
    AND NOT EXISTS (SELECT FROM dead_letter WHERE dead_letter.job_id = seen.id
                    AND resolved_at IS NULL AND reprocessed_at IS NULL)
)
SELECT (SELECT count(*) FROM seen), (SELECT max(id::text) FROM seen),
       (SELECT array_agg(id::text) FROM due)
"""

# Attempts, log lines and dead letters are deleted with their job. A job that was retried meanwhile,
# or that another transaction has locked, stays. Index: job_pkey.
DELETE = """
WITH locked AS (
  SELECT id FROM job WHERE id = ANY(%(ids)s::uuid[]) AND finished_at IS NOT NULL
  ORDER BY id FOR UPDATE SKIP LOCKED
), gone AS (
  DELETE FROM job USING locked WHERE job.id = locked.id RETURNING job.state
), counted AS (
  SELECT state, count(*) AS count FROM gone GROUP BY state
), noted AS (
  INSERT INTO pruned AS known (day, state, count) SELECT current_date, state, count FROM counted
  ON CONFLICT (day, state) DO UPDATE SET count = known.count + excluded.count
)
SELECT coalesce(sum(count), 0) FROM counted
"""

MOVE = """
UPDATE pruning SET after = %(after)s::uuid,
                   pass_ended_at = CASE WHEN %(is_over)s THEN now() ELSE pass_ended_at END
"""

# The lowest id that a job created `days` days ago could have: UUIDv7 begins with milliseconds.
BEFORE = """
SELECT rpad(lpad(to_hex((extract(epoch FROM now() - %(days)s * interval '1 day') * 1000)::bigint), 12, '0'),
            32, '0')::uuid::text
"""


@dataclass(frozen=True)
class Retention:
    """Days that jobs are kept after their end, by state, with exceptions by task; 0: for ever."""

    by_state: dict[str, int]
    by_task: dict[str, int] = field(default_factory=dict)

    @property
    def shortest_days(self) -> int | None:
        """Return the fewest days that any job is kept; None if all are kept for ever."""
        times = [days for days in (*self.by_state.values(), *self.by_task.values()) if days]
        return min(times, default=None)


class PruneStep(NamedTuple):
    """The number of jobs that a step deleted, and whether the pass is over."""

    deleted: int
    is_over: bool


def prune(
    cursor: Cursor,
    retention: Retention,
    *,
    limit: int,
    but: Sequence[str] = (),
    keys: Sequence[str] | None = None,
) -> PruneStep | None:
    """Check the next `limit` jobs and delete those whose retention is over.

    Skips the jobs in `but`; with `keys` only these are deleted, and the pass stays where it is.
    Return None if another consumer is pruning. To be called in a transaction.
    """
    cursor.execute(LOCK)
    row = cursor.fetchone()
    if row is None:
        return None
    if retention.shortest_days is None:
        return PruneStep(0, is_over=True)
    if keys is not None:
        return PruneStep(_delete(cursor, list(keys)), is_over=False)
    seen, last, due = _window(cursor, row[0], retention, limit)
    wanted = [id_ for id_ in due or () if id_ not in but]
    deleted = _delete(cursor, wanted) if wanted else 0
    is_over = seen < limit
    cursor.execute(MOVE, {"after": NONE if is_over else last, "is_over": is_over})
    return PruneStep(deleted, is_over)


def find(cursor: Cursor, retention: Retention, *, limit: int, but: Sequence[str] = ()) -> list[str]:
    """Return the ids of the jobs that `prune` would delete."""
    cursor.execute("SELECT after::text FROM pruning")
    row = cursor.fetchone()
    if row is None or retention.shortest_days is None:
        return []
    _seen, _last, due = _window(cursor, row[0], retention, limit)
    return [id_ for id_ in due or () if id_ not in but]


def _window(
    cursor: Cursor, after: str, retention: Retention, limit: int
) -> tuple[int, str, list[str] | None]:
    cursor.execute(BEFORE, {"days": retention.shortest_days})
    (before,) = cursor.fetchone() or (NONE,)
    cursor.execute(
        WINDOW,
        {
            "after": after,
            "before": before,
            "limit": limit,
            "tasks": list(retention.by_task),
            "task_days": list(retention.by_task.values()),
            "states": list(retention.by_state),
            "state_days": list(retention.by_state.values()),
        },
    )
    seen, last, due = cursor.fetchone() or (0, NONE, None)
    return seen, last, due


def _delete(cursor: Cursor, ids: list[str]) -> int:
    cursor.execute(DELETE, {"ids": ids})
    (deleted,) = cursor.fetchone() or (0,)
    return int(deleted)
