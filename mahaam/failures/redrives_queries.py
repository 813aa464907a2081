"""Questions about phased re-drives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select, text

from mahaam.models import Redrive
from mahaam.postgres.database import Cursor as Link
from mahaam.postgres.paging import Page, PageCursor, read_page
from mahaam.postgres.query_limits import Reader, time_limit

# The states of the jobs of a phase, each looked up by its key (see by_key). A job that no longer
# exists was removed as it completed, or long after. Index: operation_result_pkey, job_pkey.
OUTCOME = """
SELECT operation.state,
       count(result.number) FILTER (WHERE is_done),
       count(result.number) FILTER (WHERE is_done AND (job.id IS NULL OR job.state = 'completed')),
       count(result.number) FILTER (WHERE is_done AND job.state = 'failed'),
       count(result.number) FILTER (WHERE is_done
                                    AND job.state IN ('scheduled', 'queued', 'running', 'retrying'))
FROM operation LEFT JOIN operation_result AS result ON result.operation_id = operation.id
LEFT JOIN LATERAL (SELECT id, state FROM job WHERE id = result.job_id OFFSET 0) AS job ON true
WHERE operation.id = %s GROUP BY operation.id
"""


class PhaseOutcome(NamedTuple):
    """The outcome of a phase: the state of its operation, and of the jobs that it reprocessed."""

    operation: str
    jobs: int
    completed: int
    failed: int
    live: int

    @property
    def is_begun(self) -> bool:
        """Return True if more jobs may follow."""
        return self.operation in ("waiting", "running")


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


def redrive_page(session: Reader, cursor: PageCursor) -> Page[RedriveEntry]:
    """Return the re-drives, newest first."""
    return read_page(session, select(*_COLUMNS), key=Redrive.id, cursor=cursor, entry=RedriveEntry)


def redrive(session: Reader, id_: int) -> RedriveEntry | None:
    """Return one re-drive, or None when it does not exist."""
    with time_limit(session):
        row = session.execute(select(*_COLUMNS).where(Redrive.id == id_)).first()
    return RedriveEntry(**row._mapping) if row else None


def outcomes(session: Reader, entry: RedriveEntry) -> list[PhaseOutcome]:
    """Return the outcome of each phase that has begun. Raises QueryTooSlow."""
    statement = text(OUTCOME.replace("%s", ":operation"))
    with time_limit(session):
        rows = [session.execute(statement, {"operation": id_}).first() for id_ in entry.operations]
    return [PhaseOutcome._make(row) for row in rows if row is not None]


def outcome(cursor: Link, operation: int) -> PhaseOutcome:
    """Return the outcome of a phase until now."""
    cursor.execute(OUTCOME, (operation,))
    row = cursor.fetchone()
    assert row is not None, "a phase has its operation"
    return PhaseOutcome._make(row)
