"""Rows that a loop could not handle."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from mahaam.models.base import Base


class SetAsideRow(Base):
    """A row that a loop leaves alone because it could not handle it; tried again automatically."""

    __tablename__ = "set_aside"

    loop: Mapped[str] = mapped_column(primary_key=True, comment="which loop: due, rescue, …")
    key: Mapped[str] = mapped_column(primary_key=True, comment="of the row, in that loop's table")
    reason: Mapped[str]
    tries: Mapped[int] = mapped_column(server_default="1")
    first_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    last_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    retry_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("tries >= 1", name="tries_are_some"),
        Index("set_aside_first", "first_at"),
    )
