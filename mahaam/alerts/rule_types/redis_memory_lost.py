"""Redis came back empty; the notice of every queued job was sent again from its row."""

from __future__ import annotations

from mahaam.alerts.pages import LinkedPage, address_of
from mahaam.alerts.queries import causes
from mahaam.alerts.rule_types.rule_type import (
    Cause,
    Evaluation,
    Moments,
    Parameters,
    RuleType,
    minutes,
)
from mahaam.core.translatable import Translatable
from mahaam.postgres.database import Cursor

WHAT = Translatable("Redis had lost its memory. All queued jobs were rung again.")


def _look(cursor: Cursor, look: Evaluation) -> list[Cause]:
    cursor.execute(causes.REDIS_MEMORY_LOST_LOOK, look.parameters)
    row = cursor.fetchone()
    if row is None or row[0] is None:
        return []
    return [Cause("redis", WHAT, address_of(LinkedPage.RECONCILE), row[0])]


def _past(cursor: Cursor, _parameters: Parameters) -> Moments:
    cursor.execute(causes.REDIS_MEMORY_LOST_PAST)
    return list(cursor.fetchall())


REDIS_MEMORY_LOST = RuleType(
    "redis_memory_lost",
    Translatable("Redis lost its memory"),
    Translatable("No job is lost with it; limits and locks that counted in Redis begin anew."),
    _look,
    _past,
    (minutes(15, Translatable("For so many minutes afterwards"), high=1440),),
)
