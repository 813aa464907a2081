"""Keeps live settings that differ from their defaults."""

from __future__ import annotations

import json
from typing import Any

from mahaam.postgres.database import Cursor

KEEP = """
INSERT INTO setting (name, value, changed_by) VALUES (%(name)s, %(value)s::jsonb, %(by)s)
ON CONFLICT (name) DO UPDATE
SET value = excluded.value, changed_by = excluded.changed_by, changed_at = now()
"""
LOCK = "SELECT value FROM setting WHERE name = %(name)s FOR UPDATE"


def read(cursor: Cursor, name: str) -> tuple[Any] | None:
    """The value that is kept, locked until the end of the transaction; None when there is none."""
    cursor.execute(LOCK, {"name": name})
    row = cursor.fetchone()
    return (row[0],) if row else None


def keep(cursor: Cursor, name: str, value: Any, *, by: str) -> None:
    """Set a value."""
    cursor.execute(KEEP, {"name": name, "value": json.dumps(value), "by": by})


def forget(cursor: Cursor, name: str) -> None:
    """Let a setting have its default."""
    cursor.execute("DELETE FROM setting WHERE name = %(name)s", {"name": name})
