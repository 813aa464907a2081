"""A job failed for good: one alert for each cause, as long as a dead letter of it is open."""

from __future__ import annotations

from collections.abc import Iterable

from mahaam.alerts.pages import LinkedPage, address_of
from mahaam.alerts.queries import causes
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

WHAT = Translatable("%(task)s fails for good: %(error)s")


def subject_of(group_id: int) -> str:
    """Return the subject of a cause."""
    return f"group:{group_id}"


def group_ids(subjects: Iterable[str]) -> list[int]:
    """Return the ids of the causes among subjects."""
    numbers = (
        subject.removeprefix("group:") for subject in subjects if subject.startswith("group:")
    )
    return [int(number) for number in numbers if number.isdecimal()]  # whatever a row contains


def _look(cursor: Cursor, look: Evaluation) -> list[Cause]:
    values = {"task": None, "queue": None, **look.parameters}
    cursor.execute(
        causes.JOB_FAILED_LOOK, values | {"live": group_ids(look.live), "limit": MOST_FINDINGS}
    )
    return [
        Cause(
            subject_of(id_),
            WHAT.about(task=task, error=error),
            address_of(LinkedPage.ERROR, id_),
            seen_at,
        )
        for id_, error, task, seen_at in cursor.fetchall()
    ]


def _past(cursor: Cursor, parameters: Parameters) -> Moments:
    cursor.execute(causes.JOB_FAILED_PAST, {"task": None, "queue": None, **parameters})
    return list(cursor.fetchall())


JOB_FAILED = RuleType(
    "job_failed",
    Translatable("A job failed for good"),
    Translatable("One alert for each cause, until no dead letter of it is open."),
    _look,
    _past,
    (TASK, QUEUE),
)
