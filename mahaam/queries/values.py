"""Values and counters under keys."""

from __future__ import annotations

from collections.abc import Sequence

from mahaam.postgres.database import Cursor

FOUND = """
SELECT key, value FROM kept_value
WHERE key = ANY(%s) AND (expires_at IS NULL OR expires_at > clock_timestamp())
"""

ALL = """
SELECT key, value FROM kept_value
WHERE expires_at IS NULL OR expires_at > clock_timestamp() ORDER BY key LIMIT %s
"""

COUNTER = """
SELECT count FROM kept_counter
WHERE key = %s AND (expires_at IS NULL OR expires_at > clock_timestamp())
"""


def found(cursor: Cursor, keys: Sequence[str]) -> dict[str, bytes]:
    """Return those of `keys` that hold a value."""
    cursor.execute(FOUND, (list(keys),))
    return {key: bytes(value) for key, value in cursor.fetchall()}


def everything(cursor: Cursor, *, limit: int) -> dict[str, bytes]:
    """Return the first `limit` values by key."""
    cursor.execute(ALL, (limit,))
    return {key: bytes(value) for key, value in cursor.fetchall()}


def count(cursor: Cursor, *, but: str) -> int:
    """Return how many values there are, without the one under the key `but`."""
    cursor.execute(
        "SELECT count(*) FROM kept_value"
        " WHERE key <> %s AND (expires_at IS NULL OR expires_at > clock_timestamp())",
        (but,),
    )
    row = cursor.fetchone()
    return int(row[0]) if row else 0


def counter(cursor: Cursor, key: str) -> int:
    """Return the value of a counter; 0 when there is none."""
    cursor.execute(COUNTER, (key,))
    row = cursor.fetchone()
    return int(row[0]) if row else 0
