"""SQL that notes that PostgreSQL was failed over or restored, and the accepted jobs missing since."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import psycopg2

from mahaam.postgres.database import Cursor

# The cluster and its timeline, which grows by one when a standby is promoted and when a backup is
# restored to a point in time. A crash and a restart leave both as they are.
IDENTITY = """
SELECT CASE WHEN NOT pg_is_in_recovery() THEN
  (SELECT system_identifier FROM pg_control_system()) || '/'
  || ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int END
"""
# The note is stored in the database, so a standby that is promoted has what was true before.
LOCK = "SELECT pg_advisory_xact_lock(7406120452)"  # any constant: one consumer notices
LAST = (
    "SELECT detail FROM incident WHERE kind = 'primary' ORDER BY happened_at DESC, id DESC LIMIT 1"
)
NOTE = "INSERT INTO incident (kind, detail) VALUES (%s, %s)"
RECENT = """
SELECT max(happened_at) FROM incident
WHERE kind = 'failed_over' AND happened_at > now() - interval '1 hour'
"""
MISSING = """
INSERT INTO incident (kind, detail)
SELECT 'job_missing', lost.id FROM unnest(%(ids)s::text[]) AS lost(id)
WHERE NOT EXISTS (SELECT FROM job WHERE job.id = lost.id::uuid)
  AND NOT EXISTS (SELECT FROM incident WHERE kind = 'job_missing' AND detail = lost.id
                  AND happened_at > now() - interval '1 day')
RETURNING detail
"""


class LostWriteCheck(NamedTuple):
    """When PostgreSQL was failed over within the last hour, and whether this call noticed it."""

    at: datetime | None
    is_new: bool


def look(cursor: Cursor) -> LostWriteCheck:
    """Compare the server with the one that was noted last, in a transaction. Return the result."""
    identity = _identity(cursor)
    if identity is None:
        return LostWriteCheck(None, is_new=False)
    cursor.execute(LOCK)
    cursor.execute(LAST)
    last = cursor.fetchone()
    is_new = last is not None and last[0] != identity
    if last is None or is_new:
        cursor.execute(NOTE, ("primary", identity))
    if last is not None and is_new:
        cursor.execute(NOTE, ("failed_over", f"{last[0]} {identity}"))
    cursor.execute(RECENT)
    recent = cursor.fetchone()
    return LostWriteCheck(recent[0] if recent else None, is_new)


def note_missing(cursor: Cursor, ids: Sequence[str]) -> list[str]:
    """Note those of `ids` that are no job. Return the ones that were not noted before."""
    cursor.execute(MISSING, {"ids": list(ids)})
    return [row[0] for row in cursor.fetchall()]


def _identity(cursor: Cursor) -> str | None:
    """Return the server's identity; None where a server does not tell it, as some services do not."""
    cursor.execute("SAVEPOINT identity")
    try:
        cursor.execute(IDENTITY)
        row = cursor.fetchone()
    except (psycopg2.ProgrammingError, psycopg2.NotSupportedError):
        cursor.execute("ROLLBACK TO SAVEPOINT identity")
        return None
    return row[0] if row else None
