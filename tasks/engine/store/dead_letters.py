"""Marks dead letters as dealt with."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.engine.database import Cursor

RESOLVE = """
WITH locked AS (
  SELECT id FROM dead_letter WHERE id = ANY(%(ids)s) AND resolved_at IS NULL ORDER BY id FOR UPDATE
)
UPDATE dead_letter SET resolved_at = now(), resolved_by = %(by)s, resolution_note = %(note)s
FROM locked WHERE dead_letter.id = locked.id AND resolved_at IS NULL
RETURNING dead_letter.id
"""


def resolve(cursor: Cursor, letters: Sequence[int], *, by: str, note: str | None) -> list[int]:
    """Mark dead letters as dealt with; returns the ids of those that were not yet."""
    cursor.execute(RESOLVE, {"ids": list(letters), "by": by, "note": note})
    return [row[0] for row in cursor.fetchall()]
