"""A job failed for good: one alert for each cause, as long as a dead letter of it is open."""

from __future__ import annotations

from collections.abc import Iterable

from mahaam.alerts.rule_types.rule_type import (
    MOST_FINDINGS,
    QUEUE,
    TASK,
    Cause,
    Evaluation,
    Moments,
    Parameters,
    RuleType,
)
from mahaam.core.translatable import Translatable
from mahaam.postgres.database import Cursor

# Causes that struck within a day, and those whose alert is open; of each one probe for an open
# letter. Index: error_group_seen, error_group_pkey, dead_letter_open_cause.
LOOK = """
SELECT id, error_class, coalesce(tasks[1], ''), last_seen_at FROM error_group AS cause
WHERE (last_seen_at > now() - interval '1 day' OR id = ANY(%(live)s))
  AND ignored_at IS NULL AND resolved_at IS NULL
  AND EXISTS (SELECT FROM dead_letter
              WHERE fingerprint = cause.fingerprint AND resolved_at IS NULL AND reprocessed_at IS NULL
                AND (%(task)s::text IS NULL OR task = %(task)s)
                AND (%(queue)s::text IS NULL OR queue = %(queue)s))
ORDER BY last_seen_at DESC LIMIT %(limit)s
"""
PAST = """
SELECT 'group:' || cause.id, hour FROM error_hour JOIN error_group AS cause ON cause.id = group_id
WHERE hour > now() - interval '7 days' AND (%(task)s::text IS NULL OR %(task)s = ANY(tasks))
  AND (%(queue)s::text IS NULL OR %(queue)s = ANY(queues))
"""
WHAT = Translatable("%(task)s fails for good: %(error)s")


def subject_of(group_id: int) -> str:
    """The subject of a cause."""
    return f"group:{group_id}"


def group_ids(subjects: Iterable[str]) -> list[int]:
    """The ids of the causes among subjects."""
    numbers = (
        subject.removeprefix("group:") for subject in subjects if subject.startswith("group:")
    )
    return [int(number) for number in numbers if number.isdecimal()]  # whatever a row says


def _look(cursor: Cursor, look: Evaluation) -> list[Cause]:
    values = {"task": None, "queue": None, **look.parameters}
    cursor.execute(LOOK, values | {"live": group_ids(look.live), "limit": MOST_FINDINGS})
    return [
        Cause(subject_of(id_), WHAT.about(task=task, error=error), f"/admin/error/{id_}/", seen_at)
        for id_, error, task, seen_at in cursor.fetchall()
    ]


def _past(cursor: Cursor, parameters: Parameters) -> Moments:
    cursor.execute(PAST, {"task": None, "queue": None, **parameters})
    return list(cursor.fetchall())


JOB_FAILED = RuleType(
    "job_failed",
    Translatable("A job failed for good"),
    Translatable("One alert for each cause, until no dead letter of it is open."),
    _look,
    _past,
    (TASK, QUEUE),
)
