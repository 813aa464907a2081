"""Progress of the scan that hides the secrets in old rows from searches."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from mahaam.models.base import Base


class MaskWalk(Base):
    """The scan of all rows that were written before a name was hidden; one row.

    It starts again when names are to be hidden that are not among `names`.
    """

    __tablename__ = "mask_walk"

    is_only: Mapped[bool] = mapped_column(primary_key=True, server_default=text("true"))
    names: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    part: Mapped[str] = mapped_column(comment="the table that it is in")
    below: Mapped[str | None] = mapped_column(comment="the last row seen; NULL: it begins")
    count: Mapped[int] = mapped_column(server_default="0", comment="rows that were changed")
    began_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("is_only", name="is_one_row"),
        CheckConstraint(
            "part IN ('failure', 'error_group', 'dead_letter', 'job')", name="part_is_known"
        ),
    )
