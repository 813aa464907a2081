"""Consumer processes."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from mahaam.models.base import Base


class Worker(Base):
    """A consumer process that holds jobs, for as long as its lease runs."""

    __tablename__ = "worker"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    host: Mapped[str]
    pid: Mapped[int]
    version: Mapped[str]
    queues: Mapped[list[str]] = mapped_column(comment="empty: all")
    greenlets: Mapped[int]
    state: Mapped[str] = mapped_column(server_default="running")
    started_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    beat_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    lease_until: Mapped[datetime]
    memory_bytes: Mapped[int | None] = mapped_column(BigInteger)
    stopped_at: Mapped[datetime | None]
    wanted_state: Mapped[str | None] = mapped_column(
        comment="what an operator asks for: running, quiet, stopped"
    )
    wanted_greenlets: Mapped[int | None]
    tasks: Mapped[list[str]] = mapped_column(
        server_default=text("'{}'"), comment="names of those that it knows"
    )

    __table_args__ = (
        CheckConstraint(
            "state IN ('running', 'quiet', 'stopping', 'stopped', 'lost')", name="state_is_known"
        ),
        CheckConstraint(
            "wanted_state IN ('running', 'quiet', 'stopped')", name="wanted_state_is_known"
        ),
        CheckConstraint("wanted_greenlets BETWEEN 1 AND 1000", name="wanted_greenlets_are_some"),
    )


class UnknownTaskRow(Base):
    """A task that no live worker of a queue knows; its jobs wait for such a worker, and then fail."""

    __tablename__ = "unknown_task"

    task: Mapped[str] = mapped_column(primary_key=True)
    queue: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[datetime] = mapped_column(server_default=text("now()"))
    seen_at: Mapped[datetime] = mapped_column(
        server_default=text("now()"), comment="when one of its jobs came last"
    )
