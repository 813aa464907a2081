"""Questions about alerts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, func, select, text
from sqlalchemy.sql.elements import ColumnElement

from mahaam.alerts.models import (
    Alert,
    AlertPass,
    AlertRule,
)
from mahaam.core.translatable import Translatable
from mahaam.postgres.paging import Page, PageCursor, read_page
from mahaam.postgres.query_limits import COUNT_LIMIT, Reader, time_limit

STATES = ("open", "acknowledged", "closed")


@dataclass(frozen=True)
class AlertEntry:
    """An alert as lists and its page show it."""

    id: int
    rule_id: int
    rule: str
    subject: str
    severity: str
    what: dict[str, Any]
    path: str
    opened_at: datetime
    seen_at: datetime
    gone_at: datetime | None
    closed_at: datetime | None
    closed_by: str | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    silenced_until: datetime | None
    silenced_by: str | None
    owner: str | None
    notified_at: datetime | None

    @property
    def phrase(self) -> Translatable:
        """Return what it is about."""
        return Translatable.of_kept(self.what)

    @property
    def state(self) -> str:
        """Return one of STATES."""
        if self.closed_at is not None:
            return "closed"
        return "acknowledged" if self.acknowledged_at is not None else "open"


@dataclass(frozen=True)
class AlertSummary:
    """How many alerts are open, by severity; the newest; the last evaluation; failed deliveries."""

    counts: dict[str, int]
    newest: tuple[AlertEntry, ...]
    looked_at: datetime | None
    took_ms: int | None
    is_maintenance: bool
    failed_deliveries: int

    @property
    def open(self) -> int:
        """Return how many are open."""
        return sum(self.counts.values())


# Index: alert_open, maintenance_ends, alert_delivery_failed.
SUMMARY = """
SELECT (SELECT coalesce(jsonb_object_agg(severity, count), '{}') FROM (
         SELECT severity, count(*) FROM (
           SELECT severity FROM alert WHERE closed_at IS NULL LIMIT 10001) AS few GROUP BY severity)
         AS counted) AS counts,
       (SELECT ended_at FROM alert_pass) AS looked_at, (SELECT took_ms FROM alert_pass) AS took_ms,
       EXISTS (SELECT FROM maintenance WHERE now() BETWEEN starts_at AND ends_at) AS is_maintenance,
       (SELECT count(*) FROM (SELECT FROM alert_delivery
          WHERE state = 'failed' AND ended_at > now() - interval '1 day' LIMIT 1001) AS few)
         AS failed_deliveries
"""


def alert_page(
    session: Reader,
    *,
    state: str | None = None,
    severity: str | None = None,
    rule: int | None = None,
    owner: str | None = None,
    cursor: PageCursor | None = None,
) -> Page[AlertEntry]:
    """Return a page of the alerts, newest first. Raises QueryTooSlow."""
    question = _alerts()
    if state:
        question = question.where(_STATES[state])
    if severity:
        question = question.where(Alert.severity == severity)
    if rule is not None:
        question = question.where(Alert.rule_id == rule)
    if owner:
        question = question.where(Alert.owner == owner)
    return read_page(
        session, question, key=Alert.id, cursor=cursor or PageCursor(), entry=AlertEntry
    )


def alert(session: Reader, id_: int) -> AlertEntry | None:
    """Return one alert, or None when it does not exist."""
    with time_limit(session):
        row = session.execute(_alerts().where(Alert.id == id_)).first()
    return AlertEntry(**row._mapping) if row else None


def alert_counts(session: Reader) -> dict[str, int]:
    """Return how many are open and acknowledged, each at most COUNT_LIMIT + 1."""
    columns = [
        select(func.count())
        .select_from(select(Alert.id).where(_STATES[state]).limit(COUNT_LIMIT + 1).subquery())
        .scalar_subquery()
        .label(state)
        for state in ("open", "acknowledged")
    ]
    with time_limit(session):
        return dict(session.execute(select(*columns)).one()._mapping)


def alert_summary(session: Reader, *, shown: int = 5) -> AlertSummary:
    """Return the open alerts at a glance: the gravest and newest first."""
    with time_limit(session):
        row = session.execute(text(SUMMARY)).one()
        found = session.execute(
            _alerts()
            .where(_STATES["open"])
            .order_by(
                func.array_position(["critical", "warning", "info"], Alert.severity),
                Alert.id.desc(),
            )
            .limit(shown)
        )
        newest = tuple(AlertEntry(**one._mapping) for one in found)
    return AlertSummary(newest=newest, **row._mapping)


def last_pass(session: Reader) -> datetime | None:
    """Return when the rules were last evaluated."""
    return session.scalar(select(AlertPass.ended_at))


_STATES: dict[str, ColumnElement[bool]] = {
    "open": Alert.closed_at.is_(None),
    "acknowledged": and_(Alert.closed_at.is_(None), Alert.acknowledged_at.is_not(None)),
    "closed": Alert.closed_at.is_not(None),
}


def _alerts() -> Select[Any]:
    columns = [
        column
        for column in Alert.__table__.columns
        if column.name in AlertEntry.__dataclass_fields__
    ]
    return select(*columns, AlertRule.name.label("rule")).join(
        AlertRule, AlertRule.id == Alert.rule_id
    )
