"""Questions about deliveries, and their outcome for each recipient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select

from mahaam.alerts.models import (
    Channel,
    Delivery,
    DeliveryEffect,
)
from mahaam.core.translatable import Translatable
from mahaam.postgres.paging import Page, PageCursor, read_page
from mahaam.postgres.query_limits import Reader, time_limit


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
        """Return what its first item is about."""
        items = self.message.get("items") or []
        return Translatable.of_kept(items[0]["what"]) if items else None


class EffectEntry(NamedTuple):
    """The outcome of a message for one recipient."""

    target: str
    state: str
    fault: str | None
    tries: int


def delivery_page(
    session: Reader,
    *,
    channel: int | None = None,
    state: str | None = None,
    cursor: PageCursor | None = None,
) -> Page[DeliveryEntry]:
    """Return a page of the deliveries, newest first. Raises QueryTooSlow."""
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
    """Return the outcome of deliveries for each recipient, those who have not got it first."""
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
    """Return the newest messages about an alert, among the last thousand."""
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
