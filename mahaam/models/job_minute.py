"""The rollup that every chart reads."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import (
    BigInteger,
)
from sqlalchemy.orm import Mapped, mapped_column

from mahaam.models.base import Base


class JobMinute(Base):
    """Counts and times of what ended in one minute, per queue, task and worker; every chart reads it."""

    __tablename__ = "job_minute"

    minute: Mapped[datetime] = mapped_column(primary_key=True)
    queue: Mapped[str] = mapped_column(primary_key=True)
    task: Mapped[str] = mapped_column(primary_key=True)
    worker_id: Mapped[uuid.UUID] = mapped_column(
        primary_key=True, comment="keeps two consumers off one row"
    )
    completed: Mapped[int] = mapped_column(server_default="0")
    failed: Mapped[int] = mapped_column(server_default="0")
    retried: Mapped[int] = mapped_column(server_default="0")
    cancelled: Mapped[int] = mapped_column(server_default="0")
    expired: Mapped[int] = mapped_column(server_default="0")
    crashed: Mapped[int] = mapped_column(server_default="0")
    wait_ms: Mapped[int] = mapped_column(
        BigInteger, server_default="0", comment="no longer written: job_spread tells more"
    )
    waited: Mapped[int] = mapped_column(
        server_default="0", comment="no longer written: job_spread tells more"
    )
    run_ms: Mapped[int] = mapped_column(
        BigInteger, server_default="0", comment="no longer written: job_spread tells more"
    )
