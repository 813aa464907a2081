"""SQL that adds up metrics: latency stats of consumers, ages of queues, periods of four lengths.

Everything here can be done twice without harm: rows are written again as a whole, never added to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from mahaam.postgres.database import Cursor

MINUTE_S, TEN_MINUTES_S, HOUR_S, DAY_S = 60, 600, 3600, 86400
COARSER = ((MINUTE_S, TEN_MINUTES_S), (TEN_MINUTES_S, HOUR_S), (HOUR_S, DAY_S))
ONE_AT_A_TIME = 7_406_120_453  # any constant: the lock of the process that adds up


class LatencyRow(NamedTuple):
    """What one consumer measured of a task in a queue in a minute, counted since the epoch."""

    minute: int
    queue: str
    task: str
    worker_id: str
    waits: dict[int, int]
    runs: dict[int, int]
    completed: int = 0


WRITE = """
INSERT INTO job_spread AS spread (minute, queue, task, worker_id, waits, wait_counts, runs, run_counts)
VALUES (to_timestamp(%s * 60), %s, %s, %s, %s::smallint[], %s::int[], %s::smallint[], %s::int[])
ON CONFLICT (minute, queue, task, worker_id) DO UPDATE
SET waits = excluded.waits, wait_counts = excluded.wait_counts,
    runs = excluded.runs, run_counts = excluded.run_counts
"""

# Only its consumer counts what completes, and knows the whole minute; the other counts of the row
# are added to by the statements that make them.
WRITE_COMPLETED = """
INSERT INTO job_minute (minute, queue, task, worker_id, completed)
VALUES (to_timestamp(%s * 60), %s, %s, %s, %s)
ON CONFLICT (minute, queue, task, worker_id) DO UPDATE SET completed = excluded.completed
"""

# Index: job_waiting. The oldest of the next jobs, as far as a thousand of them: it is one number of
# one minute, not worth a scan of a million jobs.
SAMPLE_AGES = """
INSERT INTO queue_age AS age (minute, queue, oldest_s)
SELECT date_trunc('minute', now()), name,
       coalesce(extract(epoch FROM now() - (
         SELECT min(queued_at) FROM (
           SELECT queued_at FROM job WHERE state = 'queued' AND job.queue = queue.name
           ORDER BY priority DESC, queued_at, id LIMIT 1000) AS head)), 0)
FROM queue
ON CONFLICT (minute, queue) DO UPDATE SET oldest_s = greatest(age.oldest_s, excluded.oldest_s)
"""

# Added up anew: the newest existing period, which was not over, the one before it, which late rows
# may belong to, and all since, however long nobody added up.
SINCE = """
SELECT coalesce(max(starts_at) - %(length_s)s * interval '1 second', '-infinity')::text
FROM job_period WHERE length_s = %(length_s)s
"""

_SUMS = """
  sum(completed) AS completed, sum(failed) AS failed, sum(retried) AS retried,
  sum(cancelled) AS cancelled, sum(expired) AS expired, sum(crashed) AS crashed
"""

# From rows of `source` (starts_at, queue, task and buckets), one set of buckets per period, queue
# and task.
_SPREADS = """
spread AS (
  SELECT starts_at, queue, task,
         array_agg(bucket ORDER BY bucket) FILTER (WHERE kind = 'w') AS waits,
         array_agg(count ORDER BY bucket) FILTER (WHERE kind = 'w') AS wait_counts,
         array_agg(bucket ORDER BY bucket) FILTER (WHERE kind = 'r') AS runs,
         array_agg(count ORDER BY bucket) FILTER (WHERE kind = 'r') AS run_counts
  FROM (
    SELECT starts_at, {keys}, kind, bucket, sum(count)::int AS count
    FROM source CROSS JOIN LATERAL (
      SELECT 'w' AS kind, * FROM unnest(waits, wait_counts) AS wait(bucket, count)
      UNION ALL
      SELECT 'r', * FROM unnest(runs, run_counts) AS run(bucket, count)) AS entry
    GROUP BY starts_at, kind, bucket, {groups}) AS summed
  GROUP BY starts_at, queue, task
)
"""

_WRITTEN = """
INSERT INTO job_period (length_s, starts_at, queue, task, completed, failed, retried, cancelled, expired,
                        crashed, waits, wait_counts, runs, run_counts, oldest_s)
SELECT %(length_s)s, starts_at, queue, task, coalesce(completed, 0), coalesce(failed, 0),
       coalesce(retried, 0), coalesce(cancelled, 0), coalesce(expired, 0), coalesce(crashed, 0),
       coalesce(waits, '{}'), coalesce(wait_counts, '{}'), coalesce(runs, '{}'),
       coalesce(run_counts, '{}'), oldest_s
"""
_AGAIN = """
ON CONFLICT (length_s, starts_at, queue, task) DO UPDATE
SET completed = excluded.completed, failed = excluded.failed, retried = excluded.retried,
    cancelled = excluded.cancelled, expired = excluded.expired, crashed = excluded.crashed,
    waits = excluded.waits, wait_counts = excluded.wait_counts, runs = excluded.runs,
    run_counts = excluded.run_counts, oldest_s = excluded.oldest_s
"""

# Some tasks are left out, or only some are added up: the sums of all are right again after the next
# run without such names.
_WANTED = "NOT task = ANY(%(but)s) AND (%(only)s::text[] IS NULL OR task = ANY(%(only)s))"
FIND = """
SELECT DISTINCT task FROM job_minute WHERE minute >= %(since)s
UNION SELECT DISTINCT task FROM job_spread WHERE minute >= %(since)s
UNION SELECT DISTINCT task FROM job_period WHERE starts_at >= %(since)s AND task <> ''
"""

# CUBE makes, beside each queue and task, the rows of all tasks of a queue, of a task in all queues,
# and of everything, so that no chart adds up twenty tasks. Their names are empty; a row whose own
# name is empty (somebody wrote it by hand) is counted under another.
NAMELESS = "(no name)"
_NAMED = f"coalesce(nullif(queue, ''), '{NAMELESS}') AS queue"
_NAMED_BOTH = f"{_NAMED}, coalesce(nullif(task, ''), '{NAMELESS}') AS task"
_CUBED = "coalesce(queue, '') AS queue, coalesce(task, '') AS task"
MINUTES = f"""
WITH source AS (
  SELECT minute AS starts_at, {_NAMED_BOTH}, waits, wait_counts, runs, run_counts FROM job_spread
  WHERE minute >= %(since)s AND {_WANTED}
), {_SPREADS.format(keys=_CUBED, groups="CUBE (queue, task)")}, counted AS (
  SELECT minute AS starts_at, {_CUBED}, {_SUMS}
  FROM (SELECT minute, {_NAMED_BOTH}, completed, failed, retried, cancelled, expired, crashed
        FROM job_minute WHERE minute >= %(since)s AND {_WANTED}) AS named
  GROUP BY minute, CUBE (queue, task)
), aged AS (
  SELECT minute AS starts_at, coalesce(queue, '') AS queue, '' AS task, max(oldest_s) AS oldest_s
  FROM (SELECT minute, {_NAMED}, oldest_s FROM queue_age WHERE minute >= %(since)s) AS named
  GROUP BY minute, ROLLUP (queue)
)
{_WRITTEN}
FROM counted FULL JOIN spread USING (starts_at, queue, task) FULL JOIN aged USING (starts_at, queue, task)
{_AGAIN}
"""

PERIODS = f"""
WITH source AS (
  SELECT date_bin(%(length_s)s * interval '1 second', starts_at, 'epoch') AS starts_at, queue, task,
         completed, failed, retried, cancelled, expired, crashed, waits, wait_counts, runs, run_counts,
         oldest_s
  FROM job_period WHERE length_s = %(finer_s)s AND starts_at >= %(since)s AND {_WANTED}
), {_SPREADS.format(keys="queue, task", groups="queue, task")}, counted AS (
  SELECT starts_at, queue, task, {_SUMS}, max(oldest_s) AS oldest_s
  FROM source GROUP BY starts_at, queue, task
)
{_WRITTEN} FROM counted LEFT JOIN spread USING (starts_at, queue, task) {_AGAIN}
"""

FORGET = """
DELETE FROM job_minute WHERE minute < now() - interval '3 days';
DELETE FROM job_spread WHERE minute < now() - interval '3 days';
DELETE FROM queue_age WHERE minute < now() - interval '3 days';
DELETE FROM job_period WHERE length_s = 60 AND starts_at < now() - interval '3 days';
DELETE FROM job_period WHERE length_s = 600 AND starts_at < now() - interval '8 days';
DELETE FROM job_period WHERE length_s >= 3600 AND starts_at < now() - interval '90 days';
"""


def write_latencies(cursor: Cursor, rows: Sequence[LatencyRow]) -> float:
    """Write what one consumer measured, whole minutes as they are now. Return PostgreSQL's epoch.

    Each row is committed alone: two at once could deadlock with a statement that fails jobs.
    """
    for row in rows:
        waits, runs = row.waits, row.runs
        values = ([*waits], [*waits.values()], [*runs], [*runs.values()])
        key = row[:4]
        cursor.execute(WRITE, (*key, *values))
        if row.completed:
            cursor.execute(WRITE_COMPLETED, (*key, row.completed))
    cursor.execute("SELECT extract(epoch FROM now())::float8")
    row_of_now = cursor.fetchone()
    assert row_of_now is not None
    return float(row_of_now[0])


def sample_ages(cursor: Cursor) -> None:
    """Note for this minute how long the oldest job of each queue has waited."""
    cursor.execute(SAMPLE_AGES)


def add_up_minutes(
    cursor: Cursor, *, but: Sequence[str] = (), keys: Sequence[str] | None = None
) -> None:
    """Make the periods of a minute from what consumers wrote, in a transaction.

    Tasks in `but` are left out; `keys` are the only tasks in question (None: any).
    """
    if _is_first(cursor):
        values: dict[str, Any] = {"length_s": MINUTE_S, **_wanted(but, keys)}
        cursor.execute(MINUTES, values | {"since": _since(cursor, MINUTE_S)})


def add_up_periods(
    cursor: Cursor, *, but: Sequence[str] = (), keys: Sequence[str] | None = None
) -> None:
    """Make ten minutes of minutes, hours of those and days of hours, in a transaction.

    Tasks in `but` are left out; `keys` are the only tasks in question (None: any).
    """
    if _is_first(cursor):
        for finer_s, length_s in COARSER:
            values = {"length_s": length_s, "finer_s": finer_s, **_wanted(but, keys)}
            cursor.execute(PERIODS, values | {"since": _since(cursor, length_s)})


def find_tasks(cursor: Cursor, *, but: Sequence[str] = ()) -> list[str]:
    """Return the tasks that are added up."""
    cursor.execute(FIND, {"since": _since(cursor, HOUR_S)})
    return [task for (task,) in cursor.fetchall() if task not in but]


def prune(cursor: Cursor) -> None:
    """Delete minutes after 3 days, ten minutes after 8 days, the rest after 90.

    Alert rules are previewed on the ten minutes.
    """
    cursor.execute(FORGET)


def _wanted(but: Sequence[str], keys: Sequence[str] | None) -> dict[str, Any]:
    return {"but": list(but), "only": None if keys is None else list(keys)}


def _is_first(cursor: Cursor) -> bool:
    """Return True if no other process adds up at this moment: once is enough."""
    cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", (ONE_AT_A_TIME,))
    row = cursor.fetchone()
    return bool(row and row[0])


def _since(cursor: Cursor, length_s: int) -> str:
    cursor.execute(SINCE, {"length_s": length_s})
    row = cursor.fetchone()
    assert row is not None
    return str(row[0])
