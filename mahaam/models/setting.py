"""Settings that can be changed while the product runs, and the record of pruning."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from mahaam.models.base import Base


class Setting(Base):
    """A setting that somebody changed; a setting without a row has its default."""

    __tablename__ = "setting"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[Any] = mapped_column(JSONB)
    changed_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    changed_by: Mapped[str]


class Pruning(Base):
    """The progress of the pruning pass; one row, which is locked by the process that takes a step."""

    __tablename__ = "pruning"

    is_only: Mapped[bool] = mapped_column(primary_key=True, server_default=text("true"))
    after: Mapped[uuid.UUID] = mapped_column(
        server_default=text("'00000000-0000-0000-0000-000000000000'"),
        comment="the pass under way has looked at the jobs up to this one",
    )
    pass_ended_at: Mapped[datetime | None]

    __table_args__ = (CheckConstraint("is_only", name="is_one_row"),)


class Pruned(Base):
    """How many jobs of a state were pruned on a day because they were past their retention."""

    __tablename__ = "pruned"

    day: Mapped[date] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)
