"""Jobs that failed for good."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Identity,
    Index,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from mahaam.models.base import Base


class DeadLetter(Base):
    """A job that failed for good, with its first and its last exception; once for every job."""

    __tablename__ = "dead_letter"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    job_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"))
    attempt: Mapped[int]
    task: Mapped[str]
    queue: Mapped[str]
    error_class: Mapped[str]
    error_message: Mapped[str]
    traceback: Mapped[str]
    first_error_class: Mapped[str]
    first_error_message: Mapped[str]
    first_traceback: Mapped[str]
    fingerprint: Mapped[str]
    retry_count: Mapped[int]
    failures: Mapped[int] = mapped_column(
        server_default="1", comment="how often its job failed for good"
    )
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    failed_at: Mapped[datetime] = mapped_column(server_default=text("now()"), comment="last time")
    owner: Mapped[str | None]
    reprocessed_at: Mapped[datetime | None]
    reprocessed_by: Mapped[str | None]
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[str | None]
    resolution_note: Mapped[str | None]
    notified_at: Mapped[datetime | None]

    __table_args__ = (
        Index("dead_letter_job", "job_id", unique=True),
        Index(
            "dead_letter_open",
            "id",
            postgresql_where=text("resolved_at IS NULL AND reprocessed_at IS NULL"),
        ),
        Index(
            "dead_letter_reprocessed",
            "id",
            postgresql_where=text("reprocessed_at IS NOT NULL AND resolved_at IS NULL"),
        ),
        Index(
            "dead_letter_open_cause",
            "fingerprint",
            "id",
            postgresql_where=text("resolved_at IS NULL AND reprocessed_at IS NULL"),
        ),
        Index("dead_letter_fingerprint", "fingerprint", "id"),
        Index("dead_letter_task", "task", "id"),
        Index("dead_letter_queue", "queue", "id"),
        Index("dead_letter_owner", "owner", "id", postgresql_where=text("owner IS NOT NULL")),
    )


class DeadLetterNote(Base):
    """What somebody wrote about a dead letter."""

    __tablename__ = "dead_letter_note"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    dead_letter_id: Mapped[int] = mapped_column(ForeignKey("dead_letter.id", ondelete="CASCADE"))
    note: Mapped[str]
    written_by: Mapped[str]
    written_at: Mapped[datetime] = mapped_column(server_default=text("now()"))

    __table_args__ = (Index("dead_letter_note_letter", "dead_letter_id", "id"),)
