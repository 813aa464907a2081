"""SQL of the live settings that differ from their defaults."""

from __future__ import annotations

import json

from mahaam.live_settings.definitions import SETTINGS
from mahaam.postgres.database import Cursor
from mahaam.records.table import Row

KEEP = """
INSERT INTO setting (name, value, changed_by) VALUES (%(name)s, %(value)s::jsonb, %(by)s)
ON CONFLICT (name) DO UPDATE
SET value = excluded.value, changed_by = excluded.changed_by, changed_at = now()
"""
LOCK = "SELECT value FROM setting WHERE name = %(name)s FOR UPDATE"


class SettingStore:
    """The records of settings by their names; one without a row has its default."""

    fields = ("value",)

    def lock(self, cursor: Cursor, name: str) -> Row:
        """Return a setting's value, locked until the transaction ends where one is stored."""
        cursor.execute(LOCK, {"name": name})
        kept = cursor.fetchone()
        value = kept[0] if kept else SETTINGS[name].default()
        return {"name": name, "value": value, "is_kept": kept is not None}

    def update(self, cursor: Cursor, name: str, row: Row, *, by: str) -> None:
        """Store a value."""
        cursor.execute(KEEP, {"name": name, "value": json.dumps(row["value"]), "by": by})

    def delete(self, cursor: Cursor, names: list[str]) -> None:
        """Reset settings to their defaults."""
        cursor.execute("DELETE FROM setting WHERE name = ANY(%s)", (names,))
