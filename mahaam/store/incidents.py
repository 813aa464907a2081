"""Incidents of the servers."""

from __future__ import annotations

from mahaam.postgres.database import Cursor

NOTE = "INSERT INTO incident (kind, detail) VALUES (%s, %s)"
# Kept for ever (mahaam/alerts/store.py): Redis cannot have lost notices that it never had.
BEGIN_MEMORY = """
INSERT INTO incident (kind) SELECT 'redis_memory_began'
WHERE NOT EXISTS (SELECT FROM incident WHERE kind = 'redis_memory_began')
RETURNING id
"""


def note(cursor: Cursor, kind: str, detail: str = "") -> None:
    """Record that an incident happened now."""
    cursor.execute(NOTE, (kind, detail))


def begin_memory(cursor: Cursor) -> bool:
    """Record that Redis holds notices from now on. Return True if it is the first time."""
    cursor.execute(BEGIN_MEMORY)
    return cursor.rowcount == 1
