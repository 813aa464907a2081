"""SQL of phased re-drives: what to reprocess, the progress, the outcome."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from mahaam.postgres.database import Cursor

MAKE = """
INSERT INTO redrive (filter, reason, expected, until, shares, max_failed_percent, created_by)
VALUES (%(filter)s, %(reason)s, %(expected)s, %(until)s, %(shares)s, %(max_failed_percent)s, %(by)s)
RETURNING id
"""

# Index: redrive_running. Another consumer that advances one holds its row.
TAKE = """
SELECT id, filter, reason, expected, until, shares, max_failed_percent, operations, created_by
FROM redrive WHERE state = 'running' ORDER BY id FOR UPDATE SKIP LOCKED
"""

BEGIN_PHASE = (
    "UPDATE redrive SET operations = operations || %(operation)s::bigint WHERE id = %(id)s"
)
END = """
UPDATE redrive SET state = %(state)s, stopped_by = %(by)s, finished_at = now()
WHERE id = %(id)s AND state = 'running' RETURNING operations
"""


class NewRedrive(NamedTuple):
    """A re-drive that runs."""

    id: int
    filter: dict[str, Any]
    reason: str | None
    expected: int
    until: int
    shares: list[int]
    max_failed_percent: int
    operations: list[int]
    by: str


def make(cursor: Cursor, **values: Any) -> int:
    """Insert a re-drive. Return its id."""
    cursor.execute(MAKE, values | {"filter": json.dumps(values["filter"])})
    row = cursor.fetchone()
    assert row is not None
    return int(row[0])


def take(cursor: Cursor) -> list[NewRedrive]:
    """Return the running re-drives that nobody else advances, locked until the transaction ends."""
    cursor.execute(TAKE)
    return [NewRedrive._make(row) for row in cursor.fetchall()]


def begin_phase(cursor: Cursor, id_: int, operation: int) -> None:
    """Note the operation of the next phase."""
    cursor.execute(BEGIN_PHASE, {"id": id_, "operation": operation})


def end(cursor: Cursor, id_: int, *, state: str, by: str | None = None) -> list[int] | None:
    """End a re-drive. Return its operations, or None when it had ended."""
    cursor.execute(END, {"id": id_, "state": state, "by": by})
    row = cursor.fetchone()
    return list(row[0]) if row else None
