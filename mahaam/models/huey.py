"""What Huey's API keeps beside the jobs: values, locks, limits, fires."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from mahaam.models.base import Base


class KeptValue(Base):
    """A value under a key: revocations, and values of an application."""

    __tablename__ = "kept_value"

    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    expires_at: Mapped[datetime | None]


class KeptCounter(Base):
    """A number under a key; one with an end counts in a window."""

    __tablename__ = "kept_counter"

    key: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)
    counted_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    expires_at: Mapped[datetime | None] = mapped_column(comment="the end of a window")


class TaskLock(Base):
    """A lock; it is over when it is released, when it expires, or when its job or worker is."""

    __tablename__ = "task_lock"

    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[uuid.UUID] = mapped_column(comment="of one acquisition: only it releases")
    job_id: Mapped[uuid.UUID | None] = mapped_column(comment="NULL: taken outside of jobs")
    attempt: Mapped[int | None]
    worker_id: Mapped[uuid.UUID | None]
    acquired_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    expires_at: Mapped[datetime | None]


class PeriodicFire(Base):
    """A minute for which a periodic task was enqueued; the key makes it once."""

    __tablename__ = "periodic_fire"

    task: Mapped[str] = mapped_column(primary_key=True)
    fire_at: Mapped[datetime] = mapped_column(primary_key=True)
    job_id: Mapped[uuid.UUID]
