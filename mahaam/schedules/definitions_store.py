"""Writes definitions of tasks."""

from __future__ import annotations

import json
from typing import Any

from mahaam.postgres.database import Cursor

FIELDS = ("name", "task", "description", "queue", "kwargs")
INSERT = """
INSERT INTO task_definition (name, task, description, queue, kwargs, created_by)
VALUES (%(name)s, %(task)s, %(description)s, %(queue)s, %(kwargs)s, %(by)s)
ON CONFLICT (name) DO NOTHING RETURNING id
"""
UPDATE = """
UPDATE task_definition
SET name = %(name)s, task = %(task)s, description = %(description)s, queue = %(queue)s,
    kwargs = %(kwargs)s, changed_by = %(by)s, changed_at = now()
WHERE id = %(id)s
"""


def insert(cursor: Cursor, row: dict[str, Any], *, by: str) -> int | None:
    """Make a definition; its id, or None when the name is taken."""
    cursor.execute(INSERT, _kept(row) | {"by": by})
    made = cursor.fetchone()
    return int(made[0]) if made else None


def lock(cursor: Cursor, id_: int) -> dict[str, Any] | None:
    """A definition as it stands, locked until the transaction ends."""
    cursor.execute(
        f"SELECT {', '.join(FIELDS)} FROM task_definition WHERE id = %s FOR UPDATE", (id_,)
    )
    row = cursor.fetchone()
    return dict(zip(FIELDS, row, strict=True)) if row else None


def is_taken(cursor: Cursor, name: str, but: int) -> bool:
    """Whether another definition has this name."""
    cursor.execute("SELECT FROM task_definition WHERE name = %s AND id <> %s", (name, but))
    return cursor.fetchone() is not None


def named(cursor: Cursor, name: str) -> dict[str, Any] | None:
    """Id and fields of the definition with a name, which nobody deletes until the transaction ends."""
    names = ("id", *FIELDS)
    cursor.execute(
        f"SELECT {', '.join(names)} FROM task_definition WHERE name = %s FOR SHARE", (name,)
    )
    row = cursor.fetchone()
    return dict(zip(names, row, strict=True)) if row else None


def name_of(cursor: Cursor, id_: int | None) -> str | None:
    """The name of a definition."""
    cursor.execute("SELECT name FROM task_definition WHERE id = %s", (id_,))
    row = cursor.fetchone()
    return str(row[0]) if row else None


def user_of(cursor: Cursor, id_: int) -> str | None:
    """The name of a schedule that runs a definition; None when there is none."""
    cursor.execute("SELECT name FROM schedule WHERE definition_id = %s LIMIT 1", (id_,))
    row = cursor.fetchone()
    return str(row[0]) if row else None


def update(cursor: Cursor, id_: int, row: dict[str, Any], *, by: str) -> None:
    """Give a definition these fields."""
    cursor.execute(UPDATE, _kept(row) | {"id": id_, "by": by})


def delete(cursor: Cursor, id_: int) -> None:
    """Delete a definition; its jobs stay."""
    cursor.execute("DELETE FROM task_definition WHERE id = %s", (id_,))


def _kept(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in FIELDS} | {"kwargs": json.dumps(row["kwargs"])}
