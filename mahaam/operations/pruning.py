"""Pruning of operations past their retention, with their results; the audit keeps what was done."""

from __future__ import annotations

from collections.abc import Sequence

from mahaam.models.operation import OPEN
from mahaam.postgres.database import Cursor
from mahaam.store.pruning import PruneStep

# The first few by id are the oldest. An operation that is worked at is never among them, and never
# waits for this. Index: operation_pkey.
OLDEST = f"""
WITH oldest AS (
  SELECT id, state, finished_at, undone_at FROM operation
  WHERE NOT id = ANY(%(but)s::bigint[]) ORDER BY id LIMIT 100)
SELECT operation.id FROM operation JOIN oldest USING (id)
WHERE oldest.state NOT IN ({", ".join(f"'{state}'" for state in OPEN)})
  AND greatest(oldest.finished_at, oldest.undone_at) < now() - %(days)s * interval '1 day'
  AND (%(only)s::bigint[] IS NULL OR operation.id = ANY(%(only)s::bigint[]))
ORDER BY operation.id LIMIT 1 FOR UPDATE OF operation SKIP LOCKED
"""
# A range of numbers, which are there without a gap. Index: operation_result_pkey.
FORGET_RESULTS = """
DELETE FROM operation_result WHERE operation_id = %(id)s AND number < %(limit)s + (
  SELECT number FROM operation_result WHERE operation_id = %(id)s ORDER BY number LIMIT 1)
"""
FORGET = "DELETE FROM operation WHERE id = %s"


def prune(
    cursor: Cursor,
    *,
    days: int,
    limit: int,
    but: Sequence[str] = (),
    keys: Sequence[str] | None = None,
) -> PruneStep:
    """Delete at most `limit` results of the oldest operation that ended `days` ago (0: never do).

    The operation itself goes with the last of them. Those in `but` are left alone; `keys` are the
    ids of all operations in question (None: any). To be called in a transaction.
    """
    row = _oldest(cursor, days, but, keys) if days else None
    if row is None:
        return PruneStep(0, is_over=True)
    cursor.execute(FORGET_RESULTS, {"id": row[0], "limit": limit})
    if cursor.rowcount == limit:  # there may be more
        return PruneStep(0, is_over=False)
    cursor.execute(FORGET, row)
    return PruneStep(1, is_over=False)


def find(cursor: Cursor, *, days: int, but: Sequence[str] = ()) -> list[str]:
    """Return the id of the operation that `prune` would delete from, as a list of one or none."""
    row = _oldest(cursor, days, but, None) if days else None
    return [str(row[0])] if row else []


def _oldest(
    cursor: Cursor, days: int, but: Sequence[str], keys: Sequence[str] | None
) -> tuple[int] | None:
    only = None if keys is None else list(keys)
    cursor.execute(OLDEST, {"days": days, "but": list(but), "only": only})
    row: tuple[int] | None = cursor.fetchone()
    return row
