"""The tables of alerts and notifications."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from mahaam.models import Base

NOW = text("now()")
SEVERITIES = "('info', 'warning', 'critical')"


class AlertRule(Base):
    """A rule: the condition, its severity, and its channels."""

    __tablename__ = "alert_rule"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    parameters: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    severity: Mapped[str]
    is_enabled: Mapped[bool] = mapped_column(server_default=text("true"))
    cooldown_s: Mapped[int] = mapped_column(
        server_default="300", comment="nobody is told of the same subject again sooner"
    )
    channels: Mapped[list[int]] = mapped_column(
        ARRAY(BigInteger), server_default=text("'{}'"), comment="ids; empty: the console alone"
    )
    fault: Mapped[str | None] = mapped_column(comment="why the last look failed")
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    changed_by: Mapped[str | None]
    changed_at: Mapped[datetime] = mapped_column(server_default=NOW)

    __table_args__ = (
        CheckConstraint("name <> '' AND length(name) <= 200", name="name_is_short"),
        CheckConstraint(f"severity IN {SEVERITIES}", name="severity_is_known"),
        CheckConstraint("cooldown_s BETWEEN 0 AND 604800", name="cooldown_is_bounded"),
    )


class Alert(Base):
    """A cause that a rule found in a subject, from when it was found until it is gone.

    There is one row for as long as the cause lasts, also when somebody has closed the alert.
    """

    __tablename__ = "alert"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    rule_id: Mapped[int] = mapped_column(ForeignKey("alert_rule.id", ondelete="CASCADE"))
    subject: Mapped[str]
    severity: Mapped[str]
    what: Mapped[Any] = mapped_column(JSONB, comment="a phrase")
    path: Mapped[str] = mapped_column(comment="of the page with the button that helps")
    opened_at: Mapped[datetime] = mapped_column(server_default=NOW)
    seen_at: Mapped[datetime] = mapped_column(server_default=NOW, comment="when it was last there")
    gone_at: Mapped[datetime | None] = mapped_column(comment="when the cause was gone")
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None] = mapped_column(comment="NULL: by itself")
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None]
    silenced_until: Mapped[datetime | None]
    silenced_by: Mapped[str | None]
    owner: Mapped[str | None]
    notified_at: Mapped[datetime | None] = mapped_column(comment="somebody was told that it opened")
    told_closed_at: Mapped[datetime | None] = mapped_column(
        comment="somebody was told that it closed, or need not be"
    )

    __table_args__ = (
        CheckConstraint(f"severity IN {SEVERITIES}", name="severity_is_known"),
        CheckConstraint("gone_at IS NULL OR closed_at IS NOT NULL", name="gone_is_closed"),
        Index(
            "alert_live",
            "rule_id",
            "subject",
            unique=True,
            postgresql_where=text("gone_at IS NULL"),
        ),
        Index("alert_open", "id", postgresql_where=text("closed_at IS NULL")),
        Index("alert_rule_opened", "rule_id", "subject", "opened_at"),
        Index(
            "alert_untold",
            "id",
            postgresql_where=text("closed_at IS NOT NULL AND told_closed_at IS NULL"),
        ),
        Index("alert_closed", "closed_at", postgresql_where=text("closed_at IS NOT NULL")),
    )


class Maintenance(Base):
    """A time in which alerts open and nobody is notified."""

    __tablename__ = "maintenance"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    reason: Mapped[str]
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)

    __table_args__ = (
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        Index("maintenance_ends", "ends_at"),
    )


class AlertPass(Base):
    """When the rules were last evaluated; one row, locked by the consumer that evaluates."""

    __tablename__ = "alert_pass"

    is_only: Mapped[bool] = mapped_column(primary_key=True, server_default=text("true"))
    ended_at: Mapped[datetime | None]
    took_ms: Mapped[int | None]

    __table_args__ = (CheckConstraint("is_only", name="is_one_row"),)


class QueueDepth(Base):
    """How many jobs waited in a queue in a minute, as Redis counts them."""

    __tablename__ = "queue_depth"

    minute: Mapped[datetime] = mapped_column(primary_key=True)
    queue: Mapped[str] = mapped_column(primary_key=True)
    waiting: Mapped[int] = mapped_column(BigInteger)


class Channel(Base):
    """A way to notify people."""

    __tablename__ = "channel"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    recipients: Mapped[list[str]] = mapped_column(
        server_default=text("'{}'"), comment="of mail; empty: ADMIN_EMAILS"
    )
    url: Mapped[str | None] = mapped_column(comment="of a webhook or of Slack")
    secret: Mapped[str | None] = mapped_column(comment="signs a webhook")
    language: Mapped[str] = mapped_column(
        server_default="en", comment="for those who have not chosen one"
    )
    is_enabled: Mapped[bool] = mapped_column(server_default=text("true"))
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    changed_by: Mapped[str | None]
    changed_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("name <> '' AND length(name) <= 200", name="name_is_short"),
        CheckConstraint("kind IN ('email', 'webhook', 'slack')", name="kind_is_known"),
        CheckConstraint("(kind = 'email') = (url IS NULL)", name="address_is_whole"),
        CheckConstraint("(kind = 'webhook') = (secret IS NOT NULL)", name="secret_is_of_a_webhook"),
        CheckConstraint("language IN ('en', 'ar', 'fa')", name="language_is_known"),
    )


class Delivery(Base):
    """One message for a channel; a job delivers it."""

    __tablename__ = "alert_delivery"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("channel.id", ondelete="CASCADE"))
    about: Mapped[str] = mapped_column(comment="opened, closed, digest, letter or test")
    message: Mapped[dict[str, Any]] = mapped_column(comment="what is told, as phrases")
    alert_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default=text("'{}'"))
    dead_letter_id: Mapped[int | None] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(server_default="waiting")
    tries: Mapped[int] = mapped_column(server_default="0")
    fault: Mapped[str | None] = mapped_column(comment="of the last try")
    job_id: Mapped[str | None]
    created_by: Mapped[str | None] = mapped_column(comment="who sent it by hand")
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("about IN ('opened', 'closed', 'digest', 'letter', 'test')", name="about"),
        CheckConstraint("state IN ('waiting', 'sent', 'failed')", name="state_is_known"),
        CheckConstraint("(state = 'waiting') = (ended_at IS NULL)", name="end_is_known"),
        Index("alert_delivery_channel", "channel_id", "id"),
        Index("alert_delivery_failed", "id", postgresql_where=text("state = 'failed'")),
        Index("alert_delivery_created", "created_at"),
        Index("alert_delivery_waiting", "id", postgresql_where=text("state = 'waiting'")),
    )


class DeliveryEffect(Base):
    """The outcome of a message for one of its recipients."""

    __tablename__ = "delivery_effect"

    delivery_id: Mapped[int] = mapped_column(
        ForeignKey("alert_delivery.id", ondelete="CASCADE"), primary_key=True
    )
    target: Mapped[str] = mapped_column(primary_key=True, comment="an address of mail, or a host")
    state: Mapped[str] = mapped_column(server_default="waiting")
    tries: Mapped[int] = mapped_column(server_default="0")
    fault: Mapped[str | None] = mapped_column(comment="of the last try")
    changed_at: Mapped[datetime] = mapped_column(server_default=NOW)

    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'sent', 'refused')", name="state_is_known"),
        CheckConstraint("state <> 'sent' OR fault IS NULL", name="sent_is_whole"),
    )
