"""PostgreSQL was failed over or restored: jobs accepted right before may be missing."""

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

MISSING = Translatable(
    "PostgreSQL was failed over, and %(count)s jobs that Redis knows are missing. "
    "Compare with the old server: flask queue reconcile --old-primary."
)
NONE_KNOWN = Translatable(
    "PostgreSQL was failed over. No job that Redis knows is missing; jobs that waited for their time "
    "can be compared with the old server: flask queue reconcile --old-primary."
)


def _look(cursor: Cursor, look: Evaluation) -> list[Cause]:
    cursor.execute(causes.FAILED_OVER_LOOK, look.parameters)
    row = cursor.fetchone()
    if row is None:
        return []
    failed_at, count, noted_at = row
    what = MISSING.about(count=count) if count else NONE_KNOWN
    return [Cause("postgresql", what, address_of(LinkedPage.RECONCILE), noted_at or failed_at)]


def _past(cursor: Cursor, _parameters: Parameters) -> Moments:
    cursor.execute(causes.FAILED_OVER_PAST)
    return list(cursor.fetchall())


FAILED_OVER = RuleType(
    "failed_over",
    Translatable("PostgreSQL was failed over"),
    Translatable(
        "A standby was promoted or a backup restored: jobs accepted right before may be missing."
    ),
    _look,
    _past,
    (minutes(1440, Translatable("For so many minutes afterwards")),),
)
