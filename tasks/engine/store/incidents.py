"""Notes what happened to the servers."""

from __future__ import annotations

from tasks.engine.database import Cursor

NOTE = "INSERT INTO incident (kind, detail) VALUES (%s, %s)"


def note(cursor: Cursor, kind: str, detail: str = "") -> None:
    """Note that something happened now."""
    cursor.execute(NOTE, (kind, detail))
