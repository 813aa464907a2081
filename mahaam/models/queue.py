"""Queues, and pauses of tasks."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from mahaam.models.base import Base


class Queue(Base):
    """A queue with its rank (lower is served first, equals in rotation), weight, rate limit and pause."""

    __tablename__ = "queue"

    name: Mapped[str] = mapped_column(primary_key=True)
    rank: Mapped[int] = mapped_column(server_default="30")
    weight: Mapped[int] = mapped_column(server_default="1")
    rate_limit: Mapped[int | None] = mapped_column(comment="starts allowed per rate_period_s")
    rate_period_s: Mapped[float | None]
    paused_at: Mapped[datetime | None]
    paused_by: Mapped[str | None]
    pause_reason: Mapped[str | None]
    resume_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))

    __table_args__ = (
        CheckConstraint("name ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$'", name="name_is_a_word"),
        CheckConstraint("weight >= 1", name="weight_is_positive"),
        CheckConstraint(
            "(rate_limit IS NULL) = (rate_period_s IS NULL) AND rate_limit > 0 AND rate_period_s > 0"
            " OR rate_limit IS NULL AND rate_period_s IS NULL",
            name="rate_is_whole",
        ),
    )


class TaskPause(Base):
    """A paused task, of which no job is started until somebody or the clock ends the pause."""

    __tablename__ = "task_pause"

    task: Mapped[str] = mapped_column(primary_key=True)
    paused_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    paused_by: Mapped[str]
    pause_reason: Mapped[str | None]
    resume_at: Mapped[datetime | None]
