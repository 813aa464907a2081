"""Values and counters under keys: revocations, and what an application stores."""

from __future__ import annotations

from typing import Any

from psycopg2 import Binary

from mahaam.postgres.database import Cursor

FLUSHED = 500  # revocations that one round deletes

PUT = """
INSERT INTO kept_value (key, value, expires_at)
VALUES (%(key)s, %(value)s, clock_timestamp() + %(ttl_s)s * interval '1 second')
ON CONFLICT (key) DO UPDATE
SET value = excluded.value, created_at = now(), expires_at = excluded.expires_at
"""

PUT_IF_EMPTY = f"{PUT} WHERE kept_value.expires_at <= clock_timestamp() RETURNING true"

POP = """
DELETE FROM kept_value WHERE key = %s
RETURNING value, expires_at IS NULL OR expires_at > clock_timestamp()
"""

INCREASE = """
INSERT INTO kept_counter AS kept (key, count) VALUES (%(key)s, %(amount)s)
ON CONFLICT (key) DO UPDATE SET count = kept.count + excluded.count, counted_at = now()
RETURNING count
"""

# A counter with an end counts starts in a window; after its end the count restarts at one. The clock
# is read for each row, after waiting for transactions that count at the same moment.
COUNT_IN_WINDOW = """
INSERT INTO kept_counter AS kept (key, count, expires_at)
VALUES (%(key)s, 1, to_timestamp((floor(date_part('epoch', clock_timestamp()) / %(per_s)s) + 1) * %(per_s)s))
ON CONFLICT (key) DO UPDATE
SET count = CASE WHEN kept.expires_at > clock_timestamp() THEN kept.count + 1 ELSE 1 END,
    counted_at = now(),
    expires_at = CASE WHEN kept.expires_at > clock_timestamp() THEN kept.expires_at
                      ELSE greatest(excluded.expires_at, clock_timestamp()) END
RETURNING count, greatest(0, date_part('epoch', expires_at - clock_timestamp()))
"""

FORGET_OVER = """
DELETE FROM kept_value WHERE expires_at <= now();
DELETE FROM kept_counter WHERE expires_at <= now()
"""

# Deletes revocations of jobs that have ended, and week-old ones of jobs that were never enqueued.
FORGET_REVOCATIONS = """
DELETE FROM kept_value WHERE key IN (
  SELECT kept.key FROM (
    SELECT key, created_at, substring(key FROM 3)::uuid AS job_id FROM kept_value
    WHERE key >= 'r' AND key < 's'
      AND key ~ '^r:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
  ) AS kept LEFT JOIN job ON job.id = kept.job_id
  WHERE job.finished_at < now() - interval '1 minute'
     OR job.id IS NULL AND kept.created_at < now() - interval '7 days'
  LIMIT %s
)
"""


def put(cursor: Cursor, key: str, value: bytes, *, ttl_s: float | None = None) -> None:
    """Store `value`, for `ttl_s` seconds or until it is deleted."""
    cursor.execute(PUT, {"key": key, "value": Binary(value), "ttl_s": ttl_s})


def put_if_empty(cursor: Cursor, key: str, value: bytes, *, ttl_s: float | None) -> bool:
    """Store `value` unless the key is taken. Return True if the key was free."""
    cursor.execute(PUT_IF_EMPTY, {"key": key, "value": Binary(value), "ttl_s": ttl_s})
    return cursor.fetchone() is not None


def pop(cursor: Cursor, key: str) -> bytes | None:
    """Delete a value. Return it; None if there was none."""
    cursor.execute(POP, (key,))
    row = cursor.fetchone()
    return bytes(row[0]) if row and row[1] else None


def increase(cursor: Cursor, key: str, amount: int) -> int:
    """Add to a counter, which begins at zero. Return its new count."""
    cursor.execute(INCREASE, {"key": key, "amount": amount})
    return int(_only(cursor)[0])


def count_in_window(cursor: Cursor, key: str, *, per_s: float) -> tuple[int, float]:
    """Count one in the current window of `per_s` seconds. Return its count and the seconds to its end."""
    cursor.execute(COUNT_IN_WINDOW, {"key": key, "per_s": per_s})
    count, left_s = _only(cursor)
    return int(count), float(left_s)


def delete_counter(cursor: Cursor, key: str) -> bool:
    """Delete a counter. Return True if there was one."""
    cursor.execute("DELETE FROM kept_counter WHERE key = %s", (key,))
    return bool(cursor.rowcount)


def flush(cursor: Cursor) -> None:
    """Delete all values and counters."""
    cursor.execute("DELETE FROM kept_value; DELETE FROM kept_counter")


def prune(cursor: Cursor) -> None:
    """Delete expired values and counters, and revocations that have nothing left to revoke."""
    cursor.execute(FORGET_OVER)
    cursor.execute(FORGET_REVOCATIONS, (FLUSHED,))


def _only(cursor: Cursor) -> tuple[Any, ...]:
    row = cursor.fetchone()
    assert row is not None, "The statement returns one row."
    return tuple(row)
