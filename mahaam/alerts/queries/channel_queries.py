"""Questions about channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.sql.elements import ColumnElement

from mahaam.alerts.models import (
    Channel,
    Delivery,
)
from mahaam.postgres.query_limits import Reader, time_limit


@dataclass(frozen=True)
class ChannelEntry:
    """A channel, with the outcome of its newest deliveries."""

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


def channels(session: Reader) -> Sequence[ChannelEntry]:
    """Return all channels, by name."""
    return _channels(session, None)


def channel(session: Reader, id_: int) -> ChannelEntry | None:
    """Return one channel, or None when it does not exist."""
    return next(iter(_channels(session, Channel.id == id_)), None)


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
