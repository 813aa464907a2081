"""Dead letters that are reprocessed in phases, as long as few of them fail again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from mahaam.models.base import Base


class Redrive(Base):
    """A re-drive: each phase is an operation that reprocesses a share of the dead letters."""

    __tablename__ = "redrive"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    filter: Mapped[dict[str, Any]] = mapped_column(JSONB)
    reason: Mapped[str | None]
    expected: Mapped[int] = mapped_column(comment="dead letters at the start")
    until: Mapped[int] = mapped_column(BigInteger, comment="the newest dead letter at the start")
    shares: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), comment="percent of each phase")
    max_failed_percent: Mapped[int]
    state: Mapped[str] = mapped_column(server_default="running")
    operations: Mapped[list[int]] = mapped_column(
        ARRAY(BigInteger), server_default=text("'{}'"), comment="of the phases that have begun"
    )
    stopped_by: Mapped[str | None] = mapped_column(comment="NULL: the share that failed again")
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    finished_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("state IN ('running', 'finished', 'stopped')", name="state_is_known"),
        CheckConstraint("max_failed_percent BETWEEN 0 AND 100", name="percent_is_one"),
        CheckConstraint("(state = 'running') = (finished_at IS NULL)", name="end_is_known"),
        Index("redrive_running", "id", postgresql_where=text("state = 'running'")),
    )
