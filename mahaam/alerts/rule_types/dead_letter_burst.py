"""Many jobs fail for good in a short time, whatever the causes."""

from __future__ import annotations

from mahaam.alerts.pages import LinkedPage, address_of
from mahaam.alerts.queries import causes
from mahaam.alerts.rule_types.rule_type import (
    QUEUE,
    TASK,
    Cause,
    Evaluation,
    Moments,
    Parameters,
    RuleParameter,
    RuleType,
    minutes,
)
from mahaam.core.translatable import Translatable
from mahaam.postgres.database import Cursor

WHAT = Translatable("%(count)s jobs failed for good in %(minutes)s minutes.")


def _look(cursor: Cursor, look: Evaluation) -> list[Cause]:
    parameters = {"task": None, "queue": None, **look.parameters}
    cursor.execute(causes.DEAD_LETTER_BURST_LOOK, parameters)
    row = cursor.fetchone()
    count = int(row[0]) if row else 0
    if count < parameters["count"]:
        return []
    what = WHAT.about(count=count, minutes=parameters["minutes"])
    return [Cause("dead letters", what, address_of(LinkedPage.OPEN_DEAD_LETTERS))]


def _past(cursor: Cursor, parameters: Parameters) -> Moments:
    cursor.execute(causes.DEAD_LETTER_BURST_PAST, {"task": None, "queue": None, **parameters})
    return list(cursor.fetchall())


DEAD_LETTERS = RuleType(
    "dead_letters",
    Translatable("Many dead letters arrive"),
    Translatable("So many jobs failed for good in some minutes, whatever the causes."),
    _look,
    _past,
    (
        RuleParameter("count", Translatable("At least so many"), default=100),
        minutes(10, Translatable("In so many minutes"), high=180),
        TASK,
        QUEUE,
    ),
)
