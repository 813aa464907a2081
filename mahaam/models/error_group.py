"""Causes of failures: each once, however often it occurs."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from mahaam.models.base import Base

NOW = text("now()")


class ErrorFailure(Base):
    """A job that failed for good and is not counted yet; gathering deletes the row."""

    __tablename__ = "failure"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    dead_letter_id: Mapped[int] = mapped_column(BigInteger)
    fingerprint: Mapped[str]
    error_class: Mapped[str]
    message: Mapped[str] = mapped_column(comment="its beginning")
    task: Mapped[str]
    queue: Mapped[str]
    failed_at: Mapped[datetime] = mapped_column(server_default=NOW)


class ErrorGroup(Base):
    """All failures with one fingerprint."""

    __tablename__ = "error_group"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(unique=True)
    error_class: Mapped[str]
    message: Mapped[str] = mapped_column(comment="of the newest failure, its beginning")
    tasks: Mapped[list[str]] = mapped_column(ARRAY(TEXT), comment="at most 20")
    queues: Mapped[list[str]] = mapped_column(ARRAY(TEXT), comment="at most 20")
    releases: Mapped[list[str]] = mapped_column(
        ARRAY(TEXT), comment="that were live when it struck, at most 20"
    )
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    count: Mapped[int] = mapped_column(BigInteger)
    sample_id: Mapped[int | None] = mapped_column(
        BigInteger, comment="the newest dead letter; it may be deleted since"
    )
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[str | None]
    returned_at: Mapped[datetime | None] = mapped_column(
        comment="when it struck again after it was resolved or ignored"
    )
    ignored_at: Mapped[datetime | None]
    ignored_by: Mapped[str | None]
    ignored_until: Mapped[datetime | None]
    ignored_until_count: Mapped[int | None] = mapped_column(BigInteger)
    ignored_until_rate: Mapped[int | None] = mapped_column(comment="failures in an hour")
    owner: Mapped[str | None]
    runbook: Mapped[str | None] = mapped_column(comment="Markdown")

    __table_args__ = (
        CheckConstraint(
            "(resolved_at IS NULL) = (resolved_by IS NULL)", name="resolution_is_whole"
        ),
        CheckConstraint("(ignored_at IS NULL) = (ignored_by IS NULL)", name="ignoring_is_whole"),
        CheckConstraint("resolved_at IS NULL OR ignored_at IS NULL", name="one_of_two"),
        Index("error_group_seen", "last_seen_at", "id"),
        Index("error_group_ignored", "id", postgresql_where=text("ignored_at IS NOT NULL")),
    )


class ErrorHour(Base):
    """How often an error group failed in an hour."""

    __tablename__ = "error_hour"

    group_id: Mapped[int] = mapped_column(
        ForeignKey("error_group.id", ondelete="CASCADE"), primary_key=True
    )
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (Index("error_hour_hour", "hour"),)


class TaskRunbook(Base):
    """The runbook of a task: what to do when it fails, as Markdown."""

    __tablename__ = "task_runbook"

    task: Mapped[str] = mapped_column(primary_key=True)
    text: Mapped[str]
    changed_by: Mapped[str]
    changed_at: Mapped[datetime] = mapped_column(server_default=NOW)
