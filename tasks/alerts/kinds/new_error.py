"""A cause of failures that nobody has seen before, or that has returned."""

from __future__ import annotations

from tasks.alerts.kind import MOST_FINDINGS, TASK, Finding, Kind, Look, Moments, Parameters, minutes
from tasks.alerts.kinds.job_failed import subject_of
from tasks.engine.database import Cursor
from tasks.engine.phrase import Phrase

LOOK = """
SELECT id, error_class, coalesce(tasks[1], ''), returned_at IS NOT NULL FROM error_group
WHERE last_seen_at > now() - %(minutes)s * interval '1 minute'
  AND greatest(first_seen_at, returned_at) > now() - %(minutes)s * interval '1 minute'
  AND ignored_at IS NULL AND resolved_at IS NULL AND (%(task)s::text IS NULL OR %(task)s = ANY(tasks))
ORDER BY id DESC LIMIT %(limit)s
"""
PAST = """
SELECT 'group:' || id, greatest(first_seen_at, returned_at) FROM error_group
WHERE greatest(first_seen_at, returned_at) > now() - interval '7 days'
  AND (%(task)s::text IS NULL OR %(task)s = ANY(tasks))
"""
NEW = Phrase("%(task)s fails as it has never failed before: %(error)s")
RETURNED = Phrase("%(task)s fails again as it did before: %(error)s")


def _look(cursor: Cursor, look: Look) -> list[Finding]:
    cursor.execute(LOOK, {"task": None, **look.parameters, "limit": MOST_FINDINGS})
    return [
        Finding(
            subject_of(id_),
            (RETURNED if is_back else NEW).about(task=task, error=error),
            f"/admin/error/{id_}/",
        )
        for id_, error, task, is_back in cursor.fetchall()
    ]


def _past(cursor: Cursor, parameters: Parameters) -> Moments:
    cursor.execute(PAST, {"task": None, **parameters})
    return list(cursor.fetchall())


NEW_ERROR = Kind(
    "new_error",
    Phrase("A new error appears"),
    Phrase("A cause that was never seen before, or that returned after it was resolved."),
    _look,
    _past,
    (minutes(60, Phrase("For so many minutes afterwards")), TASK),
)
