"""Adds queues."""

from __future__ import annotations

from tasks.engine.database import Cursor


def declare(cursor: Cursor, names: list[str]) -> None:
    """Add the queues that tasks name and nobody has added yet, with default rank and weight."""
    cursor.execute(
        "INSERT INTO queue (name) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING", (names,)
    )
