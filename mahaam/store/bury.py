"""SQL that inserts dead letters, for the statements in which jobs fail for good.

A job has one dead letter. If it was reprocessed and fails again, the same dead letter is reopened,
counts one more failure and keeps its owner. The same statement also inserts a row for the error
groups, which the next gathering deletes (see store/error_groups.py).
"""

from __future__ import annotations

LETTER = """job_id, attempt, task, queue, error_class, error_message, traceback,
    first_error_class, first_error_message, first_traceback, fingerprint, retry_count"""

_OPEN_AGAIN = """
    ON CONFLICT (job_id) DO UPDATE
    SET attempt = excluded.attempt, task = excluded.task, queue = excluded.queue,
        error_class = excluded.error_class, error_message = excluded.error_message,
        traceback = excluded.traceback, first_error_class = excluded.first_error_class,
        first_error_message = excluded.first_error_message,
        first_traceback = excluded.first_traceback, fingerprint = excluded.fingerprint,
        retry_count = excluded.retry_count, failures = letter.failures + 1, failed_at = now(),
        reprocessed_at = NULL, reprocessed_by = NULL, resolved_at = NULL, resolved_by = NULL,
        resolution_note = NULL, notified_at = NULL"""


def buried(letters: str) -> str:
    """Return two parts of a WITH list, `buried` and `fed`; `letters` selects LETTER's columns."""
    return f"""buried AS (
    INSERT INTO dead_letter AS letter ({LETTER})
    {letters}{_OPEN_AGAIN}
    RETURNING letter.id, letter.fingerprint, letter.error_class, letter.error_message, letter.task,
              letter.queue
  ), fed AS (
    INSERT INTO failure (dead_letter_id, fingerprint, error_class, message, task, queue)
    SELECT id, fingerprint, error_class, left(error_message, 500), task, queue FROM buried
  )"""
