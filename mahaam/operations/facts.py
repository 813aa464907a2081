"""Facts about an operation at this moment, which say why it was neither aborted nor undone."""

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
    """Return the facts about an operation, or None when there is no such operation."""
    cursor.execute(FACT, (operation_id,))
    row = cursor.fetchone()
    return OperationFact._make(row) if row else None
