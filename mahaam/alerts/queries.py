"""Questions about alerts, rules, channels and deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, func, select, text
from sqlalchemy.sql.elements import ColumnElement

from mahaam.alerts.models import (
    Alert,
    AlertPass,
    AlertRule,
    Channel,
    Delivery,
    DeliveryEffect,
    Maintenance,
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
        """What it is about."""
        return Translatable.of_kept(self.what)

    @property
    def state(self) -> str:
        """One of STATES."""
        if self.closed_at is not None:
            return "closed"
        return "acknowledged" if self.acknowledged_at is not None else "open"


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


@dataclass(frozen=True)
class ChannelEntry:
    """A channel; how its newest deliveries went."""

    id: int
    name: str
    kind: str
    recipients: list[str]
    url: str | None
    secret: str | None
    language: str
    is_enabled: bool
    created_by: str
    last_state: str | None
    last_fault: str | None
    last_at: datetime | None


@dataclass(frozen=True)
class DeliveryEntry:
    """A message on its way, or at its end."""

    id: int
    channel_id: int
    channel: str
    about: str
    message: dict[str, Any]
    state: str
    tries: int
    fault: str | None
    job_id: str | None
    created_by: str | None
    created_at: datetime
    ended_at: datetime | None

    @property
    def first(self) -> Translatable | None:
        """What its first item is about."""
        items = self.message.get("items") or []
        return Translatable.of_kept(items[0]["what"]) if items else None


class EffectEntry(NamedTuple):
    """What became of a message for one recipient."""

    target: str
    state: str
    fault: str | None
    tries: int


@dataclass(frozen=True)
class MaintenanceEntry:
    """A time in which nobody is told."""

    id: int
    starts_at: datetime
    ends_at: datetime
    reason: str
    created_by: str
    is_on: bool


@dataclass(frozen=True)
class AlertSummary:
    """How many alerts are open, by severity; the newest of them; and whether anybody looks and is told."""

    counts: dict[str, int]
    newest: tuple[AlertEntry, ...]
    looked_at: datetime | None
    took_ms: int | None
    is_maintenance: bool
    failed_deliveries: int

    @property
    def open(self) -> int:
        """All of them."""
        return sum(self.counts.values())


def alert_page(
    session: Reader,
    *,
    state: str | None = None,
    severity: str | None = None,
    rule: int | None = None,
    owner: str | None = None,
    cursor: PageCursor | None = None,
) -> Page[AlertEntry]:
    """A page of the alerts, newest first. Raises QueryTooSlow."""
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
    """One alert."""
    with time_limit(session):
        row = session.execute(_alerts().where(Alert.id == id_)).first()
    return AlertEntry(**row._mapping) if row else None


def alert_counts(session: Reader) -> dict[str, int]:
    """How many are open and acknowledged, each at most COUNT_LIMIT + 1."""
    columns = [
        select(func.count())
        .select_from(select(Alert.id).where(_STATES[state]).limit(COUNT_LIMIT + 1).subquery())
        .scalar_subquery()
        .label(state)
        for state in ("open", "acknowledged")
    ]
    with time_limit(session):
        return dict(session.execute(select(*columns)).one()._mapping)


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
WORST = {"critical": 0, "warning": 1, "info": 2}


def alert_summary(session: Reader, *, shown: int = 5) -> AlertSummary:
    """The open alerts at a glance: the gravest and newest first."""
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


def rules(session: Reader) -> Sequence[RuleEntry]:
    """All rules, the gravest first."""
    return _rules(session, None)


def rule(session: Reader, id_: int) -> RuleEntry | None:
    """One rule."""
    return next(iter(_rules(session, AlertRule.id == id_)), None)


def channels(session: Reader) -> Sequence[ChannelEntry]:
    """All channels, by name."""
    return _channels(session, None)


def channel(session: Reader, id_: int) -> ChannelEntry | None:
    """One channel."""
    return next(iter(_channels(session, Channel.id == id_)), None)


def delivery_page(
    session: Reader,
    *,
    channel: int | None = None,
    state: str | None = None,
    cursor: PageCursor | None = None,
) -> Page[DeliveryEntry]:
    """A page of the deliveries, newest first. Raises QueryTooSlow."""
    columns = [
        column
        for column in Delivery.__table__.columns
        if column.name in DeliveryEntry.__dataclass_fields__
    ]
    question = select(*columns, Channel.name.label("channel")).join(
        Channel, Channel.id == Delivery.channel_id
    )
    if channel is not None:
        question = question.where(Delivery.channel_id == channel)
    if state:
        question = question.where(Delivery.state == state)
    return read_page(
        session, question, key=Delivery.id, cursor=cursor or PageCursor(), entry=DeliveryEntry
    )


def effects_of(session: Reader, ids: Sequence[int]) -> dict[int, list[EffectEntry]]:
    """What became of some deliveries for each recipient, those who have not got it first."""
    if not ids:
        return {}
    question = select(DeliveryEffect).where(DeliveryEffect.delivery_id.in_(ids))
    order = (
        DeliveryEffect.state == "sent",
        DeliveryEffect.state == "waiting",
        DeliveryEffect.target,
    )
    found: dict[int, list[EffectEntry]] = {}
    with time_limit(session):
        for row in session.execute(question.order_by(*order)).scalars():
            entry = EffectEntry(row.target, row.state, row.fault, row.tries)
            found.setdefault(row.delivery_id, []).append(entry)
    return found


def deliveries_of(session: Reader, alert_id: int, *, limit: int = 20) -> Sequence[DeliveryEntry]:
    """The newest messages that told of an alert, among the last thousand."""
    recent = select(Delivery.id).order_by(Delivery.id.desc()).limit(1000).subquery()
    columns = [
        column
        for column in Delivery.__table__.columns
        if column.name in DeliveryEntry.__dataclass_fields__
    ]
    question = (
        select(*columns, Channel.name.label("channel"))
        .join(Channel, Channel.id == Delivery.channel_id)
        .where(Delivery.id.in_(select(recent.c.id)), Delivery.alert_ids.contains([alert_id]))
        .order_by(Delivery.id.desc())
        .limit(limit)
    )
    with time_limit(session):
        return [DeliveryEntry(**row._mapping) for row in session.execute(question)]


def maintenances(session: Reader) -> Sequence[MaintenanceEntry]:
    """The times of maintenance that are on or to come. Index: maintenance_ends."""
    question = (
        select(
            Maintenance.id,
            Maintenance.starts_at,
            Maintenance.ends_at,
            Maintenance.reason,
            Maintenance.created_by,
            (Maintenance.starts_at <= func.now()).label("is_on"),
        )
        .where(Maintenance.ends_at > func.now())
        .order_by(Maintenance.starts_at)
        .limit(50)
    )
    with time_limit(session):
        return [MaintenanceEntry(**row._mapping) for row in session.execute(question)]


def last_pass(session: Reader) -> datetime | None:
    """When the rules were last looked at."""
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


def _channels(session: Reader, wanted: ColumnElement[bool] | None) -> list[ChannelEntry]:
    columns = [
        column
        for column in Channel.__table__.columns
        if column.name in ChannelEntry.__dataclass_fields__
    ]
    newest = (
        select(
            Delivery.state.label("last_state"),
            Delivery.fault.label("last_fault"),
            Delivery.created_at.label("last_at"),
        )
        .where(Delivery.channel_id == Channel.id)
        .order_by(Delivery.id.desc())
        .limit(1)
        .lateral()
    )
    question = (
        select(*columns, newest.c.last_state, newest.c.last_fault, newest.c.last_at)
        .select_from(Channel)
        .outerjoin(newest, text("true"))
        .order_by(Channel.name)
        .limit(500)
    )
    if wanted is not None:
        question = question.where(wanted)
    with time_limit(session):
        return [ChannelEntry(**row._mapping) for row in session.execute(question)]
