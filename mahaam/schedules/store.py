"""SQL that writes schedules: made, edited, switched on and off, synced with the code."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from mahaam.jobs.new_job import SCHEDULE_OPTIONS
from mahaam.postgres.database import Cursor
from mahaam.records.table import RecordTable, Row, rows

ONE_AT_A_TIME = 5_120_938_447  # any constant: the lock of the sync with the code

SCHEDULES = RecordTable(
    name="schedule",
    fields=(  # fields that people and code may set
        "name", "task", "definition_id", "kind", "run_at", "every_s", "cron", "timezone", "starts_at",
        "ends_at", "args", "kwargs", *SCHEDULE_OPTIONS, "missed", "missed_limit",
        "overlap",
    ),
    more=("next_run_at", "disabled_at", "disabled_by", "disabled_reason", "broken_at", "code", "edited_at"),
    json=frozenset({"args", "kwargs", "code"}),
    touched="broken = NULL, broken_at = NULL",  # a broken schedule is tried again
)  # fmt: skip
FIELDS = SCHEDULES.fields

BY_CODE = f"""
SELECT {SCHEDULES.columns} FROM schedule
WHERE name = ANY(%(names)s) OR code IS NOT NULL AND task = ANY(%(tasks)s) ORDER BY id FOR UPDATE
"""
NOW = "SELECT now()"


def now(cursor: Cursor) -> datetime:
    """Return PostgreSQL's time of this transaction."""
    cursor.execute(NOW)
    row = cursor.fetchone()
    assert row is not None
    moment: datetime = row[0]
    return moment


def lock_of_code(cursor: Cursor, names: Sequence[str], tasks: Sequence[str]) -> dict[str, Row]:
    """Lock the sync of the code's schedules, which one process does at a time.

    Return by name the schedules that have one of `names`, or that the code declared for one of
    `tasks`.
    """
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", (ONE_AT_A_TIME,))
    cursor.execute(BY_CODE, {"names": list(names), "tasks": list(tasks)})
    return {row["name"]: row for row in rows(cursor)}
