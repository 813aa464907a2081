"""Chords: jobs that a callback waits for."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from mahaam.models.base import Base


class Chord(Base):
    """A callback that becomes a job when all members have ended."""

    __tablename__ = "chord"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    size: Mapped[int]
    arrived: Mapped[int] = mapped_column(server_default="0", comment="members that have ended")
    callback: Mapped[dict[str, Any]] = mapped_column(comment="a message, as in a job's options")
    callback_id: Mapped[uuid.UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    fired_at: Mapped[datetime | None] = mapped_column(comment="the callback is a job since then")

    __table_args__ = (
        CheckConstraint("size > 0 AND arrived BETWEEN 0 AND size", name="arrived_fits"),
        CheckConstraint("(fired_at IS NULL) = (arrived < size)", name="fires_when_whole"),
        Index("chord_fired", "fired_at", postgresql_where=text("fired_at IS NOT NULL")),
    )


class ChordMember(Base):
    """One member of a chord, a job or the last one of a pipeline, and its result."""

    __tablename__ = "chord_member"

    chord_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("chord.id", ondelete="CASCADE"), primary_key=True
    )
    place: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[uuid.UUID] = mapped_column(comment="no row has it while its pipeline runs")
    value: Mapped[Any | None] = mapped_column(
        JSONB, comment="its result, its error, or that it was skipped"
    )
    arrived_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("(value IS NULL) = (arrived_at IS NULL)", name="arrival_is_whole"),
        Index("chord_member_job", "job_id"),
    )
