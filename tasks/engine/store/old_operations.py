"""Forgets operations whose time is over, with their results; what was done stands in the audit."""

from __future__ import annotations

from tasks.engine.database import Cursor
from tasks.engine.models.operation import OPEN
from tasks.engine.store.pruning import Step

# The first few by id are the oldest. One that is worked at is never among them, nor in anybody's way.
# Index: operation_pkey.
OLDEST = f"""
WITH oldest AS (SELECT id, state, finished_at, undone_at FROM operation ORDER BY id LIMIT 100)
SELECT operation.id FROM operation JOIN oldest USING (id)
WHERE oldest.state NOT IN ({", ".join(f"'{state}'" for state in OPEN)})
  AND greatest(oldest.finished_at, oldest.undone_at) < now() - %s * interval '1 day'
ORDER BY id LIMIT 1 FOR UPDATE OF operation SKIP LOCKED
"""
# A span of numbers, which are there without a gap. Index: operation_result_pkey.
FORGET_RESULTS = """
DELETE FROM operation_result WHERE operation_id = %(id)s AND number < %(limit)s + (
  SELECT number FROM operation_result WHERE operation_id = %(id)s ORDER BY number LIMIT 1)
"""
FORGET = "DELETE FROM operation WHERE id = %s"


def prune(cursor: Cursor, *, days: int, limit: int) -> Step:
    """Delete at most `limit` results of the oldest operation that ended `days` ago (0: never do).

    The operation itself goes with the last of them. To be called in a transaction.
    """
    row = _oldest(cursor, days) if days else None
    if row is None:
        return Step(0, is_over=True)
    cursor.execute(FORGET_RESULTS, {"id": row[0], "limit": limit})
    if cursor.rowcount == limit:  # there may be more
        return Step(0, is_over=False)
    cursor.execute(FORGET, row)
    return Step(1, is_over=False)


def _oldest(cursor: Cursor, days: int) -> tuple[int] | None:
    cursor.execute(OLDEST, (days,))
    row: tuple[int] | None = cursor.fetchone()
    return row
