"""Questions about times of maintenance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from mahaam.alerts.models import (
    Maintenance,
)
from mahaam.postgres.query_limits import Reader, time_limit


@dataclass(frozen=True)
class MaintenanceEntry:
    """A time in which nobody is notified."""

    id: int
    starts_at: datetime
    ends_at: datetime
    reason: str
    created_by: str
    is_on: bool


def maintenances(session: Reader) -> Sequence[MaintenanceEntry]:
    """Return the times of maintenance that are on or to come. Index: maintenance_ends."""
    question = (
        select(
            Maintenance.id,
            Maintenance.starts_at,
            Maintenance.ends_at,
            Maintenance.reason,
            Maintenance.created_by,
            (Maintenance.starts_at <= func.now()).label("is_on"),
        )
        .where(Maintenance.ends_at > func.now())
        .order_by(Maintenance.starts_at)
        .limit(50)
    )
    with time_limit(session):
        return [MaintenanceEntry(**row._mapping) for row in session.execute(question)]
