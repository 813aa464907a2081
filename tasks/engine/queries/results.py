"""How a job ended."""

from __future__ import annotations

from typing import NamedTuple

from tasks.engine.database import Cursor


class Ended(NamedTuple):
    """A job in a final state; `result` is JSON text."""

    state: str
    result: str | None
    error: str | None
    traceback: str | None


ENDED = """
SELECT state, result::text, error,
       (SELECT traceback FROM attempt WHERE job_id = job.id AND number = job.attempt)
FROM job WHERE id = %s::uuid AND finished_at IS NOT NULL
"""


def ended(cursor: Cursor, job_id: str) -> Ended | None:
    """The end of a job; None while it lives or when it is not there."""
    cursor.execute(ENDED, (job_id,))
    row = cursor.fetchone()
    return Ended._make(row) if row else None
