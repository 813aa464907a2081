"""SQL that gathers failures into error groups, and stores what people decided about them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from mahaam.postgres.database import Cursor

ONE_AT_A_TIME = 5_120_938_448  # any constant: the lock of the process that gathers
MOST = 20  # tasks, queues and releases that a group lists

# Failures are rows of their own, so that a hundred thousand of one cause do not wait for one row in
# the statements that end jobs. One process at a time deletes them and adds them up. A resolved
# group that fails again has returned. Index: failure_pkey, error_group_fingerprint_key.
GATHER = f"""
WITH taken AS (
  DELETE FROM failure WHERE id IN (
    SELECT id FROM failure WHERE NOT id = ANY(%(but)s::bigint[])
      AND (%(only)s::bigint[] IS NULL OR id = ANY(%(only)s::bigint[])) ORDER BY id LIMIT %(limit)s)
  RETURNING *
), cause AS (
  SELECT fingerprint, (array_agg(error_class ORDER BY id DESC))[1] AS error_class,
         (array_agg(message ORDER BY id DESC))[1] AS message, array_agg(DISTINCT task) AS tasks,
         array_agg(DISTINCT queue) AS queues, min(failed_at) AS first_at, max(failed_at) AS last_at,
         count(*) AS count, max(dead_letter_id) AS sample_id
  FROM taken GROUP BY fingerprint
), live AS (
  SELECT ARRAY(SELECT revision FROM deploy ORDER BY marked_at DESC, id DESC LIMIT 1) AS release
), merged AS (
  INSERT INTO error_group AS known (fingerprint, error_class, message, tasks, queues, releases,
                                    first_seen_at, last_seen_at, count, sample_id)
  SELECT fingerprint, error_class, message, tasks[:{MOST}], queues[:{MOST}], release, first_at, last_at,
         count, sample_id
  FROM cause, live ORDER BY fingerprint
  ON CONFLICT (fingerprint) DO UPDATE
  SET message = excluded.message, sample_id = excluded.sample_id,
      last_seen_at = greatest(known.last_seen_at, excluded.last_seen_at),
      count = known.count + excluded.count,
      tasks = (SELECT (array_agg(DISTINCT task))[:{MOST}] FROM unnest(known.tasks || excluded.tasks) AS task),
      queues = (SELECT (array_agg(DISTINCT q))[:{MOST}] FROM unnest(known.queues || excluded.queues) AS q),
      releases = CASE WHEN known.releases @> excluded.releases THEN known.releases
                      ELSE (known.releases || excluded.releases)[
                        greatest(1, cardinality(known.releases) + 2 - {MOST}):] END,
      returned_at = CASE WHEN known.resolved_at IS NULL THEN known.returned_at ELSE now() END,
      resolved_at = NULL, resolved_by = NULL
  RETURNING id, fingerprint
), hours AS (
  INSERT INTO error_hour AS known (group_id, hour, count)
  SELECT merged.id, date_trunc('hour', failed_at), count(*) FROM taken JOIN merged USING (fingerprint)
  GROUP BY 1, 2
  ON CONFLICT (group_id, hour) DO UPDATE SET count = known.count + excluded.count
)
SELECT count(*) FROM taken
"""

# Index: error_group_ignored, error_hour_pkey.
END_IGNORING = """
UPDATE error_group AS known
SET ignored_at = NULL, ignored_by = NULL, ignored_until = NULL, ignored_until_count = NULL,
    ignored_until_rate = NULL, returned_at = now()
WHERE ignored_at IS NOT NULL AND NOT id = ANY(%(but)s::bigint[])
  AND (%(only)s::bigint[] IS NULL OR id = ANY(%(only)s::bigint[])) AND (
  ignored_until <= now() AND last_seen_at > ignored_until OR count >= ignored_until_count
  OR ignored_until_rate <= (SELECT sum(count) FROM error_hour
                            WHERE group_id = known.id AND hour > now() - interval '1 hour'))
RETURNING id
"""

LOCK = """
SELECT id, error_class, resolved_at, resolved_by, ignored_at, ignored_by, ignored_until,
       ignored_until_count, ignored_until_rate, owner, runbook, count
FROM error_group WHERE id = ANY(%s) ORDER BY id FOR UPDATE
"""

FORGET_HOURS = "DELETE FROM error_hour WHERE hour < now() - interval '31 days'"
# Groups that have not failed for as long as failures are kept, and have no dead letter any more.
FORGET = """
DELETE FROM error_group WHERE id IN (
  SELECT id FROM error_group AS old
  WHERE last_seen_at < now() - %(days)s * interval '1 day'
    AND NOT EXISTS (SELECT FROM dead_letter WHERE fingerprint = old.fingerprint)
  ORDER BY last_seen_at LIMIT 1000)
"""


def gather(
    cursor: Cursor, *, limit: int, but: Sequence[str] = (), keys: Sequence[str] | None = None
) -> int | None:
    """Add up failures. Return how many, or None when another process does so. For a transaction.

    Failures in `but` are left alone; `keys` are the only ones in question (None: any).
    """
    cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", (ONE_AT_A_TIME,))
    if not _value(cursor):
        return None
    only = None if keys is None else list(keys)
    cursor.execute(GATHER, {"limit": limit, "but": list(but), "only": only})
    return int(_value(cursor))


def find_failures(cursor: Cursor, *, limit: int, but: Sequence[str] = ()) -> list[str]:
    """Return the ids of the failures that `gather` would add up."""
    cursor.execute(
        "SELECT id::text FROM failure WHERE NOT id = ANY(%s::bigint[]) ORDER BY id LIMIT %s",
        (list(but), limit),
    )
    return [id_ for (id_,) in cursor.fetchall()]


def end_ignoring(
    cursor: Cursor, *, but: Sequence[str] = (), keys: Sequence[str] | None = None
) -> list[int]:
    """End the ignoring of groups whose time is over, or that fail more than was ignored.

    Return their ids.
    """
    only = None if keys is None else list(keys)
    cursor.execute(END_IGNORING, {"but": list(but), "only": only})
    return [row[0] for row in cursor.fetchall()]


def find_ignored(cursor: Cursor, *, but: Sequence[str] = ()) -> list[str]:
    """Return the ids of the groups that are ignored."""
    cursor.execute(
        "SELECT id::text FROM error_group WHERE ignored_at IS NOT NULL AND NOT id = ANY(%s::bigint[])",
        (list(but),),
    )
    return [id_ for (id_,) in cursor.fetchall()]


def lock(cursor: Cursor, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Return these groups as they are, locked until the transaction ends."""
    cursor.execute(LOCK, (list(ids),))
    names = [column[0] for column in cursor.description or ()]
    return {row[0]: dict(zip(names, row, strict=True)) for row in cursor.fetchall()}


def update(cursor: Cursor, ids: Sequence[int], values: dict[str, Any]) -> None:
    """Set these columns of groups."""
    assignments = ", ".join(f"{name} = %({name})s" for name in values)
    cursor.execute(
        f"UPDATE error_group SET {assignments} WHERE id = ANY(%(ids)s)", values | {"ids": list(ids)}
    )


def write_runbook(cursor: Cursor, task: str, text: str | None, *, by: str) -> str | None:
    """Write or remove the runbook of a task. Return the one before."""
    cursor.execute("SELECT text FROM task_runbook WHERE task = %s FOR UPDATE", (task,))
    row = cursor.fetchone()
    if text is None:
        cursor.execute("DELETE FROM task_runbook WHERE task = %s", (task,))
    else:
        cursor.execute(
            "INSERT INTO task_runbook (task, text, changed_by) VALUES (%s, %s, %s) ON CONFLICT (task)"
            " DO UPDATE SET text = excluded.text, changed_by = excluded.changed_by, changed_at = now()",
            (task, text, by),
        )
    return row[0] if row else None


def now(cursor: Cursor) -> datetime:
    """Return PostgreSQL's time of this transaction."""
    cursor.execute("SELECT now()")
    moment: datetime = _value(cursor)
    return moment


def prune(cursor: Cursor, *, days: int) -> None:
    """Delete old counts, and error groups that nobody needs any more; `days` 0: none."""
    cursor.execute(FORGET_HOURS)
    if days:
        cursor.execute(FORGET, {"days": days})


def _value(cursor: Cursor) -> Any:
    row = cursor.fetchone()
    assert row is not None
    return row[0]
