"""Questions about phased re-drives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, text

from tasks.engine.models import Redrive
from tasks.engine.queries.limits import Reader, time_limit
from tasks.engine.queries.paging import Cursor, Page, read_page
from tasks.engine.store.redrives import OUTCOME, Outcome


@dataclass(frozen=True)
class RedriveEntry:
    """A re-drive as lists and its page show it."""

    id: int
    filter: dict[str, Any]
    reason: str | None
    expected: int
    shares: list[int]
    max_failed_percent: int
    state: str
    operations: list[int]
    stopped_by: str | None
    created_by: str
    created_at: datetime
    finished_at: datetime | None


_COLUMNS = [
    column
    for column in Redrive.__table__.columns
    if column.name in RedriveEntry.__dataclass_fields__
]


def redrive_page(session: Reader, cursor: Cursor) -> Page[RedriveEntry]:
    """The re-drives, newest first."""
    return read_page(session, select(*_COLUMNS), key=Redrive.id, cursor=cursor, entry=RedriveEntry)


def redrive(session: Reader, id_: int) -> RedriveEntry | None:
    """One re-drive."""
    with time_limit(session):
        row = session.execute(select(*_COLUMNS).where(Redrive.id == id_)).first()
    return RedriveEntry(**row._mapping) if row else None


def outcomes(session: Reader, entry: RedriveEntry) -> list[Outcome]:
    """How each phase went that has begun. Raises QueryTooSlow."""
    statement = text(OUTCOME.replace("%s", ":operation"))
    with time_limit(session):
        rows = [session.execute(statement, {"operation": id_}).first() for id_ in entry.operations]
    return [Outcome._make(row) for row in rows if row is not None]
