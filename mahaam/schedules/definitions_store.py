"""Writes definitions of tasks."""

from __future__ import annotations

from mahaam.postgres.database import Cursor
from mahaam.records.table import RecordTable, Row, rows

DEFINITIONS = RecordTable(
    name="task_definition",
    fields=("name", "task", "description", "queue", "kwargs"),
    json=frozenset({"kwargs"}),
    touched="changed_by = %(by)s, changed_at = now()",
)


def named(cursor: Cursor, name: str) -> Row | None:
    """Return the definition with a name, which nobody deletes until the transaction ends."""
    cursor.execute(
        f"SELECT {DEFINITIONS.columns} FROM task_definition WHERE name = %s FOR SHARE", (name,)
    )
    return next(iter(rows(cursor)), None)


def name_of(cursor: Cursor, id_: int | None) -> str | None:
    """Return the name of a definition."""
    cursor.execute("SELECT name FROM task_definition WHERE id = %s", (id_,))
    row = cursor.fetchone()
    return str(row[0]) if row else None


def schedule_of(cursor: Cursor, id_: int) -> str | None:
    """Return the name of a schedule that runs a definition, or None when there is none."""
    cursor.execute("SELECT name FROM schedule WHERE definition_id = %s LIMIT 1", (id_,))
    row = cursor.fetchone()
    return str(row[0]) if row else None
