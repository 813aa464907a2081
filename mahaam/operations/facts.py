"""Why an operation was neither aborted nor undone: what it looks like at this moment."""

from __future__ import annotations

from typing import NamedTuple

from mahaam.postgres.database import Cursor

FACT = """
SELECT verb, state, done, extract(epoch FROM clock_timestamp() - finished_at)::float8, undone_by
FROM operation WHERE id = %s
"""


class OperationFact(NamedTuple):
    """An operation's state, what it did, how long ago it ended, and who undid it."""

    verb: str
    state: str
    done: int
    ended_s_ago: float | None
    undone_by: str | None


def operation_fact(cursor: Cursor, operation_id: int) -> OperationFact | None:
    """None when there is no such operation."""
    cursor.execute(FACT, (operation_id,))
    row = cursor.fetchone()
    return OperationFact._make(row) if row else None
