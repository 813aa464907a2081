"""Incidents of the servers that left no other trace."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from mahaam.models.base import Base


class Incident(Base):
    """An incident of the servers that left no other trace."""

    __tablename__ = "incident"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    kind: Mapped[str]
    happened_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    detail: Mapped[str] = mapped_column(server_default="")

    __table_args__ = (Index("incident_happened", "kind", "happened_at"),)
