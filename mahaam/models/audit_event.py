"""Events of the audit: what people did."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Identity,
    Index,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from mahaam.models.base import Base


class AuditEvent(Base):
    """One thing that somebody did, or that was rejected.

    A trigger and the table's owner keep it unchanged.
    """

    __tablename__ = "audit_event"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    actor: Mapped[str] = mapped_column(comment="an e-mail address, or cli:user")
    channel: Mapped[str]
    address: Mapped[str | None] = mapped_column(comment="of the network, if there was one")
    verb: Mapped[str]
    kind: Mapped[str] = mapped_column(comment="what the targets are")
    targets: Mapped[list[str]] = mapped_column(server_default="{}")
    count: Mapped[int] = mapped_column(comment="how many it was done to")
    filter: Mapped[Any | None] = mapped_column(
        JSONB(none_as_null=True), comment="instead of targets"
    )
    before: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
    after: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
    reason: Mapped[str | None]
    refused: Mapped[str | None] = mapped_column(comment="why; NULL: it was done")

    __table_args__ = (
        CheckConstraint("channel IN ('console', 'cli', 'api', 'system')", name="channel_is_known"),
        CheckConstraint("count >= 0", name="count_is_whole"),
        Index("audit_event_actor", "actor", "id"),
        Index("audit_event_verb", "verb", "id"),
        Index("audit_event_at", "at"),
        Index("audit_event_refused", "id", postgresql_where=text("refused IS NOT NULL")),
        Index("audit_event_targets", "targets", postgresql_using="gin"),
    )
