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

from tasks.engine.models.base import Base


class DeadLetter(Base):
    """A job that failed for good, with its first and its last exception."""

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
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    reprocessed_at: Mapped[datetime | None]
    reprocessed_by: Mapped[str | None]
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[str | None]
    resolution_note: Mapped[str | None]
    notified_at: Mapped[datetime | None]

    __table_args__ = (
        Index("dead_letter_job_attempt", "job_id", "attempt", unique=True),
        Index(
            "dead_letter_open",
            "id",
            postgresql_where=text("resolved_at IS NULL AND reprocessed_at IS NULL"),
        ),
        Index("dead_letter_fingerprint", "fingerprint", "id"),
    )
