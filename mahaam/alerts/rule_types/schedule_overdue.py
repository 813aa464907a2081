"""A schedule cannot fire, or its time came and nobody fired it."""

from __future__ import annotations

from mahaam.alerts.pages import LinkedPage, address_of
from mahaam.alerts.queries import causes
from mahaam.alerts.rule_types.rule_type import (
    MOST_FINDINGS,
    Cause,
    Evaluation,
    Moments,
    Parameters,
    RuleType,
)
from mahaam.core.translatable import Translatable
from mahaam.live_settings import current
from mahaam.postgres.database import Cursor

BROKEN = Translatable("Schedule %(name)s is broken: it fires no more.")
OVERDUE = Translatable("Schedule %(name)s is overdue: its time came and nobody fired it.")


def _look(cursor: Cursor, _look: Evaluation) -> list[Cause]:
    overdue_s = current.value("schedule_overdue_s")
    cursor.execute(causes.SCHEDULE_OVERDUE_LOOK, {"overdue_s": overdue_s, "limit": MOST_FINDINGS})
    return [
        Cause(
            f"schedule:{id_}",
            (BROKEN if is_broken else OVERDUE).about(name=name),
            address_of(LinkedPage.SCHEDULE, id_),
        )
        for id_, name, is_broken in cursor.fetchall()
    ]


def _past(cursor: Cursor, _parameters: Parameters) -> Moments:
    cursor.execute(causes.SCHEDULE_OVERDUE_PAST, {"overdue_s": current.value("schedule_overdue_s")})
    return list(cursor.fetchall())


SCHEDULE_OVERDUE = RuleType(
    "schedule_overdue",
    Translatable("A schedule is overdue or broken"),
    Translatable("How late is overdue is said in the settings."),
    _look,
    _past,
)
