"""Writes schedules: made, edited, switched on and off, brought up to what the code says."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from mahaam.jobs.new_job import SCHEDULE_OPTIONS
from mahaam.postgres.database import Cursor

ONE_AT_A_TIME = 5_120_938_447  # any constant: the lock of whoever brings the table up to the code

# What people and code may say of a schedule.
FIELDS = (
    "name", "task", "definition_id", "kind", "run_at", "every_s", "cron", "timezone", "starts_at", "ends_at",
    "args", "kwargs", *SCHEDULE_OPTIONS, "missed", "missed_limit", "overlap",
)  # fmt: skip
JSON = {"args", "kwargs"}
MORE = (
    "next_run_at",
    "disabled_at",
    "disabled_by",
    "disabled_reason",
    "broken_at",
    "code",
    "edited_at",
)

READ = (
    f"SELECT id, {', '.join(FIELDS + MORE)} FROM schedule WHERE id = ANY(%s) ORDER BY id FOR UPDATE"
)
BY_CODE = f"""
SELECT id, {", ".join(FIELDS + MORE)} FROM schedule
WHERE name = ANY(%(names)s) OR code IS NOT NULL AND task = ANY(%(tasks)s) ORDER BY id FOR UPDATE
"""
NOW = "SELECT now()"


def now(cursor: Cursor) -> datetime:
    """PostgreSQL's time of this transaction."""
    cursor.execute(NOW)
    row = cursor.fetchone()
    assert row is not None
    moment: datetime = row[0]
    return moment


def lock(cursor: Cursor, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """These schedules as they stand, locked until the transaction ends; by id."""
    cursor.execute(READ, (list(ids),))
    return {row["id"]: row for row in _rows(cursor)}


def lock_of_code(
    cursor: Cursor, names: Sequence[str], tasks: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """What has one of `names`, or stood in the code for one of `tasks`; by name. One process at a time."""
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", (ONE_AT_A_TIME,))
    cursor.execute(BY_CODE, {"names": list(names), "tasks": list(tasks)})
    return {row["name"]: row for row in _rows(cursor)}


def insert(cursor: Cursor, row: dict[str, Any], *, by: str) -> int | None:
    """Make a schedule of FIELDS, next_run_at and code; its id, or None when the name is taken."""
    values = _kept(row) | {"created_by": by}
    names = ", ".join(values)
    places = ", ".join(f"%({name})s" for name in values)
    cursor.execute(
        f"INSERT INTO schedule ({names}) VALUES ({places}) ON CONFLICT (name) DO NOTHING RETURNING id",
        values,
    )
    made = cursor.fetchone()
    return int(made[0]) if made else None


def update(cursor: Cursor, id_: int, row: dict[str, Any]) -> None:
    """Give a schedule these columns; what was broken is tried again."""
    values = _kept(row)
    assignments = ", ".join(f"{name} = %({name})s" for name in values)
    cursor.execute(
        f"UPDATE schedule SET {assignments}, broken = NULL, broken_at = NULL WHERE id = %(id)s",
        values | {"id": id_},
    )


def delete(cursor: Cursor, ids: Sequence[int]) -> None:
    """Delete schedules with what became of their due times; their jobs stay."""
    cursor.execute("DELETE FROM schedule WHERE id = ANY(%s)", (list(ids),))


def _kept(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: json.dumps(value) if name in JSON | {"code"} and value is not None else value
        for name, value in row.items()
    }


def _rows(cursor: Cursor) -> list[dict[str, Any]]:
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
