"""The oldest job of a queue waits too long."""

from __future__ import annotations

from mahaam.alerts.pages import LinkedPage, address_of
from mahaam.alerts.queries import causes
from mahaam.alerts.rule_types.rule_type import (
    QUEUE,
    Cause,
    Evaluation,
    Moments,
    Parameters,
    RuleParameter,
    RuleType,
)
from mahaam.core.translatable import Translatable
from mahaam.postgres.database import Cursor
from mahaam.queries.rejection_text import ago

WHAT = Translatable("The oldest job of queue %(queue)s has waited for %(span)s.")


def _look(cursor: Cursor, look: Evaluation) -> list[Cause]:
    cursor.execute(causes.QUEUE_LATENCY_LOOK, {"queue": None, **look.parameters})
    return [
        Cause(
            f"queue:{name}",
            WHAT.about(queue=name, span=ago(age_s)),
            address_of(LinkedPage.QUEUE, name),
        )
        for name, age_s in cursor.fetchall()
    ]


def _past(cursor: Cursor, parameters: Parameters) -> Moments:
    cursor.execute(causes.QUEUE_LATENCY_PAST, {"queue": None, **parameters})
    return list(cursor.fetchall())


QUEUE_LATENCY = RuleType(
    "queue_latency",
    Translatable("Jobs wait too long"),
    Translatable("The oldest job of a queue that is not paused."),
    _look,
    _past,
    (RuleParameter("seconds", Translatable("Longer than so many seconds"), default=300), QUEUE),
)
