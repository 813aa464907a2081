"""SQL that notes that a result was handed out."""

from __future__ import annotations

from mahaam.postgres.database import Cursor

TAKE = """
UPDATE job SET result_taken = %(answer)s
WHERE id = %(id)s::uuid AND attempt >= %(answer)s AND result_taken IS DISTINCT FROM %(answer)s
"""


def take(cursor: Cursor, job_id: str, *, answer: int) -> bool:
    """Take the result of an attempt. Return False when another caller has it."""
    cursor.execute(TAKE, {"id": job_id, "answer": answer})
    return bool(cursor.rowcount)
