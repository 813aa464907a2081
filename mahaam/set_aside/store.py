"""SQL that stores the rows that loops could not handle, with the reason and when each is tried again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mahaam.core.payload import clean
from mahaam.postgres.database import Cursor

REASON_LIMIT_BYTES = 1000

# Each further try waits twice as long, from a minute to an hour.
PUT = """
INSERT INTO set_aside AS known (loop, key, reason, retry_at)
VALUES (%(loop)s, %(key)s, %(reason)s, now() + interval '1 minute')
ON CONFLICT (loop, key) DO UPDATE
SET reason = excluded.reason, tries = known.tries + 1, last_at = now(),
    retry_at = now() + least(60, 2 ^ least(known.tries, 6)) * interval '1 minute'
RETURNING xmax = 0
"""
ALL = "SELECT loop, key, retry_at <= now() FROM set_aside ORDER BY first_at LIMIT 10000"
DONE = "DELETE FROM set_aside WHERE loop = %(loop)s AND key = %(key)s"
RETRY = """
UPDATE set_aside SET retry_at = now() WHERE loop = %(loop)s AND key = ANY(%(keys)s) RETURNING key
"""


class NewSetAside(NamedTuple):
    """A row that a loop leaves alone, and whether it is time to try it again."""

    loop: str
    key: str
    is_due: bool


def put(cursor: Cursor, loop: str, key: str, fault: BaseException) -> bool:
    """Note that a row could not be handled. Return True if that was not noted before."""
    line = f"{type(fault).__name__}: {fault}".strip()
    values = {"loop": loop, "key": key, "reason": clean(line, REASON_LIMIT_BYTES)}
    cursor.execute(PUT, values)
    row = cursor.fetchone()
    return bool(row and row[0])


def all_of_them(cursor: Cursor) -> list[NewSetAside]:
    """Return all rows that are set aside."""
    cursor.execute(ALL)
    return [NewSetAside._make(row) for row in cursor.fetchall()]


def done(cursor: Cursor, loop: str, key: str) -> None:
    """Forget a row: it was handled, or no longer exists."""
    cursor.execute(DONE, {"loop": loop, "key": key})


def retry(cursor: Cursor, loop: str, keys: Sequence[str]) -> list[str]:
    """Let rows be tried again now. Return the keys of those that exist."""
    cursor.execute(RETRY, {"loop": loop, "keys": list(keys)})
    return [row[0] for row in cursor.fetchall()]
