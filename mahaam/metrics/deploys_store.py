"""SQL that stores the moments of deploys."""

from __future__ import annotations

from mahaam.postgres.database import Cursor

MARK = """
INSERT INTO deploy (revision, note, marked_by) VALUES (%s, %s, %s) RETURNING id
"""


def mark(cursor: Cursor, revision: str, *, note: str | None, by: str) -> int:
    """Note that `revision` was deployed now. Return the id of the mark."""
    cursor.execute(MARK, (revision, note, by))
    row = cursor.fetchone()
    assert row is not None
    return int(row[0])
