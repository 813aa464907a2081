"""Outcomes of jobs, as Huey's results show them."""

from __future__ import annotations

from typing import Any, NamedTuple

from mahaam.postgres.database import Cursor


class ResultState(NamedTuple):
    """A job and its result so far; `result` is JSON text.

    `answer` is the attempt that has a result or an error, None while there is none. `taken` is the
    attempt whose result was handed out. What describes an error is None without one.
    """

    id: str
    state: str
    is_over: bool
    answer: int | None
    taken: int | None
    retries: int
    result: str | None
    error_class: str | None
    error_message: str | None
    error_metadata: str | None
    traceback: str | None

    @property
    def is_ready(self) -> bool:
        """Return True if there is something that nobody has taken yet."""
        return self.answer is not None and self.answer != self.taken


# Index: job_pkey, attempt_pkey. An error with retries left counts as a result only if it is wanted
# (%(early)s), and never if it only says that the task must run again (%(again)s). What had ended by
# a flush counts as handed out.
STANDING = """
SELECT job.id::text, job.state, job.finished_at IS NOT NULL,
       CASE WHEN job.state = 'completed' THEN CASE WHEN job.result IS NOT NULL THEN job.attempt END
            WHEN job.state = 'failed' THEN job.attempt
            WHEN job.state = 'cancelled' THEN CASE WHEN last.error_class IS NOT NULL THEN job.attempt END
            WHEN job.state <> 'expired' AND last.outcome = 'retrying' AND %(early)s
                 AND NOT last.error_class = ANY(%(again)s) THEN last.number
       END AS answer,
       CASE WHEN job.finished_at <= (SELECT created_at FROM kept_value WHERE key = %(flushed)s)
            THEN job.attempt ELSE job.result_taken END AS taken,
       CASE WHEN job.finished_at IS NULL THEN greatest(0, job.max_retries - job.retry_count + 1) ELSE 0 END,
       job.result::text, last.error_class, last.error_message,
       last.error_metadata::text, last.traceback
FROM job LEFT JOIN LATERAL (
  SELECT * FROM attempt
  WHERE job_id = job.id AND outcome NOT IN ('released', 'completed')
    AND (number = job.attempt OR job.finished_at IS NULL)
  ORDER BY number DESC LIMIT 1
) AS last ON job.state <> 'completed'
"""

ONE = f"{STANDING} WHERE job.id = %(id)s::uuid"

READY = f"""
SELECT * FROM ({STANDING}) AS standing
WHERE answer IS NOT NULL AND answer IS DISTINCT FROM taken LIMIT %(limit)s
"""

ResultOptions = dict[str, Any]  # `early`, `again` and `flushed` of the statement above


def standing(cursor: Cursor, job_id: str, options: ResultOptions) -> ResultState | None:
    """Return the state of a job's result, or None when the job does not exist."""
    cursor.execute(ONE, {**options, "id": job_id})
    row = cursor.fetchone()
    return ResultState._make(row) if row else None


def ready(cursor: Cursor, options: ResultOptions, *, limit: int) -> list[ResultState]:
    """Return up to `limit` jobs with something that nobody has taken; scans the whole table for them."""
    cursor.execute(READY, {**options, "limit": limit})
    return [ResultState._make(row) for row in cursor.fetchall()]


def ready_count(cursor: Cursor, options: ResultOptions, *, limit: int) -> int:
    """Return how many such jobs there are; stops at `limit`."""
    cursor.execute(f"SELECT count(*) FROM ({READY}) AS found", {**options, "limit": limit})
    row = cursor.fetchone()
    return int(row[0]) if row else 0
