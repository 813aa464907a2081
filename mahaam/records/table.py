"""SQL for the rows of a table that people keep by name."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from mahaam.postgres.database import Cursor

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordTable:
    """A table with `id`, a unique `name` and `created_by`; all names come from the code.

    `fields` are set by people, `more` is read besides, as is `now` (the time of the transaction).
    `json` names the columns of JSON. `touched` are assignments of each change; %(by)s is the
    person.
    """

    name: str
    fields: tuple[str, ...]
    touched: str
    more: tuple[str, ...] = ()
    json: frozenset[str] = frozenset()

    @property
    def columns(self) -> str:
        """Return the columns that are read."""
        return ", ".join(("id", *self.fields, *self.more, "now() AS now"))

    def insert(self, cursor: Cursor, row: Row, *, by: str) -> int | None:
        """Insert a row. Return its id, or None when the name is taken."""
        values = self._stored(row) | {"created_by": by}
        cursor.execute(
            f"INSERT INTO {self.name} ({', '.join(values)}) VALUES ({_slots(values)})"
            " ON CONFLICT (name) DO NOTHING RETURNING id",
            values,
        )
        made = cursor.fetchone()
        return int(made[0]) if made else None

    def lock(self, cursor: Cursor, id_: int) -> Row | None:
        """Return a row, locked until the transaction ends."""
        return self.lock_all(cursor, [id_]).get(id_)

    def lock_all(self, cursor: Cursor, ids: Sequence[int]) -> dict[int, Row]:
        """Return rows by id, locked until the transaction ends."""
        cursor.execute(
            f"SELECT {self.columns} FROM {self.name} WHERE id = ANY(%s) ORDER BY id FOR UPDATE",
            (list(ids),),
        )
        return {row["id"]: row for row in rows(cursor)}

    def is_taken(self, cursor: Cursor, name: str) -> bool:
        """Return True if a row has this name."""
        cursor.execute(f"SELECT FROM {self.name} WHERE name = %s", (name,))
        return cursor.fetchone() is not None

    def update(self, cursor: Cursor, id_: int, row: Row, *, by: str = "") -> None:
        """Set these columns of a row."""
        values = self._stored(row)
        assignments = ", ".join(f"{name} = %({name})s" for name in values)
        cursor.execute(
            f"UPDATE {self.name} SET {assignments}, {self.touched} WHERE id = %(id)s",
            values | {"id": id_, "by": by},
        )

    def delete(self, cursor: Cursor, ids: Iterable[int]) -> None:
        """Delete rows, with the rows that depend on them by foreign keys."""
        cursor.execute(f"DELETE FROM {self.name} WHERE id = ANY(%s)", (list(ids),))

    def _stored(self, row: Row) -> Row:
        return {
            name: json.dumps(value) if name in self.json and value is not None else value
            for name, value in row.items()
        }


def rows(cursor: Cursor) -> list[Row]:
    """Return what a statement found, each row by the names of its columns."""
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _slots(values: Iterable[str]) -> str:
    return ", ".join(f"%({name})s" for name in values)
