"""Questions about alert rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.sql.elements import ColumnElement

from mahaam.alerts.models import (
    Alert,
    AlertRule,
)
from mahaam.postgres.query_limits import Reader, time_limit


@dataclass(frozen=True)
class RuleEntry:
    """A rule as lists and its form show it; `open` are its alerts."""

    id: int
    name: str
    kind: str
    parameters: dict[str, Any]
    severity: str
    is_enabled: bool
    cooldown_s: int
    channels: list[int]
    fault: str | None
    created_by: str
    changed_by: str | None
    changed_at: datetime
    open: int


def rules(session: Reader) -> Sequence[RuleEntry]:
    """Return all rules, the gravest first."""
    return _rules(session, None)


def rule(session: Reader, id_: int) -> RuleEntry | None:
    """Return one rule, or None when it does not exist."""
    return next(iter(_rules(session, AlertRule.id == id_)), None)


def _rules(session: Reader, wanted: ColumnElement[bool] | None) -> list[RuleEntry]:
    columns = [
        column
        for column in AlertRule.__table__.columns
        if column.name in RuleEntry.__dataclass_fields__
    ]
    opened = (
        select(func.count())
        .select_from(Alert)
        .where(Alert.rule_id == AlertRule.id, Alert.closed_at.is_(None))
        .scalar_subquery()
        .label("open")
    )
    question = select(*columns, opened).order_by(
        func.array_position(["critical", "warning", "info"], AlertRule.severity), AlertRule.name
    )
    if wanted is not None:
        question = question.where(wanted)
    with time_limit(session):
        return [RuleEntry(**row._mapping) for row in session.execute(question.limit(500))]
