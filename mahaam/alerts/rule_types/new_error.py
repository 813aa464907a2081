"""A cause of failures that nobody has seen before, or that has returned."""

from __future__ import annotations

from mahaam.alerts.pages import LinkedPage, address_of
from mahaam.alerts.queries import causes
from mahaam.alerts.rule_types.job_failed import subject_of
from mahaam.alerts.rule_types.rule_type import (
    MOST_FINDINGS,
    TASK,
    Cause,
    Evaluation,
    Moments,
    Parameters,
    RuleType,
    minutes,
)
from mahaam.core.translatable import Translatable
from mahaam.postgres.database import Cursor

NEW = Translatable("%(task)s fails as it has never failed before: %(error)s")
RETURNED = Translatable("%(task)s fails again as it did before: %(error)s")


def _look(cursor: Cursor, look: Evaluation) -> list[Cause]:
    cursor.execute(causes.NEW_ERROR_LOOK, {"task": None, **look.parameters, "limit": MOST_FINDINGS})
    return [
        Cause(
            subject_of(id_),
            (RETURNED if is_back else NEW).about(task=task, error=error),
            address_of(LinkedPage.ERROR, id_),
        )
        for id_, error, task, is_back in cursor.fetchall()
    ]


def _past(cursor: Cursor, parameters: Parameters) -> Moments:
    cursor.execute(causes.NEW_ERROR_PAST, {"task": None, **parameters})
    return list(cursor.fetchall())


NEW_ERROR = RuleType(
    "new_error",
    Translatable("A new error appears"),
    Translatable("A cause that was never seen before, or that returned after it was resolved."),
    _look,
    _past,
    (minutes(60, Translatable("For so many minutes afterwards")), TASK),
)
