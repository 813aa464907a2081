"""The starts of one job, oldest first; the last is the one that the job's own row still describes."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, select

from mahaam.jobs.states import State
from mahaam.models import Attempt, Job
from mahaam.postgres.query_limits import Reader

ATTEMPTS_SHOWN = 10
TRACEBACK_SHOWN = 4000
MESSAGE_SHOWN = 2000
NO_TIME = timedelta(0)
SHORTEST = timedelta(milliseconds=1)


@dataclass(frozen=True)
class AttemptEntry:
    """One start of a job; `outcome` is `running` while it is under way."""

    number: int
    outcome: str
    worker_id: uuid.UUID | None
    queued_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    error_class: str | None = None
    error_message: str | None = None
    traceback: str | None = None
    late_at: datetime | None = None
    late_outcome: str | None = None
    is_cut: bool = False  # only the end of the traceback is kept

    @property
    def wait(self) -> timedelta | None:
        """Return how long the job was queued before this start."""
        return _between(self.queued_at, self.started_at)

    @property
    def run(self) -> timedelta | None:
        """Return how long this start ran, or None while it runs."""
        return _between(self.started_at, self.finished_at)


@dataclass(frozen=True)
class AttemptPage:
    """Some starts of one job, oldest first, and whether there are older ones."""

    entries: tuple[AttemptEntry, ...]
    has_older: bool

    @property
    def longest(self) -> timedelta:
        """Return the longest time that one of them waited and ran together; never zero."""
        spans = [(entry.wait or NO_TIME) + (entry.run or NO_TIME) for entry in self.entries]
        return max(spans, default=NO_TIME) or SHORTEST


def attempts_page(
    session: Reader, job: Job, *, before: int | None = None, limit: int = ATTEMPTS_SHOWN
) -> AttemptPage:
    """Return the newest starts of `job` before the start number `before`; tracebacks only with their end."""
    # Index: attempt_pkey.
    question = _excerpts().where(Attempt.job_id == job.id)
    if before is not None:
        question = question.where(Attempt.number < before)
    rows = session.execute(question.order_by(Attempt.number.desc()).limit(limit + 1)).all()
    entries = [AttemptEntry(**row._mapping) for row in rows]
    if before is None and _has_start(job) and (not entries or entries[0].number != job.attempt):
        entries.insert(0, _current(job))
    return AttemptPage(tuple(reversed(entries[:limit])), has_older=len(entries) > limit)


def find_attempt(session: Reader, job: Job, number: int) -> AttemptEntry | None:
    """Return one start of `job`, with its whole traceback, or None when there is none of that number."""
    row = session.get(Attempt, (job.id, number))
    if row is not None:
        return _recorded(row)
    return _current(job) if number == job.attempt and _has_start(job) else None


def attempts_of(session: Reader, job: Job) -> tuple[AttemptEntry, ...]:
    """Return every start of `job`."""
    rows = session.scalars(select(Attempt).where(Attempt.job_id == job.id).order_by(Attempt.number))
    known = tuple(_recorded(row) for row in rows)
    is_described = any(entry.number == job.attempt for entry in known)
    return known if is_described or not _has_start(job) else (*known, _current(job))


def _excerpts() -> Select[Any]:
    return select(
        Attempt.number,
        Attempt.outcome,
        Attempt.worker_id,
        Attempt.queued_at,
        Attempt.started_at,
        Attempt.finished_at,
        Attempt.error_class,
        func.left(Attempt.error_message, MESSAGE_SHOWN).label("error_message"),
        func.right(Attempt.traceback, TRACEBACK_SHOWN).label("traceback"),
        (func.length(Attempt.traceback) > TRACEBACK_SHOWN).label("is_cut"),
        Attempt.late_at,
        Attempt.late_outcome,
    )


def _has_start(job: Job) -> bool:
    return job.attempt > 0 and job.started_at is not None


def _current(job: Job) -> AttemptEntry:
    return AttemptEntry(
        number=job.attempt,
        outcome=State(job.state).value,
        worker_id=job.worker_id,
        queued_at=job.queued_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        error_message=job.error,
    )


def _recorded(row: Attempt) -> AttemptEntry:
    return AttemptEntry(
        number=row.number,
        outcome=row.outcome,
        worker_id=row.worker_id,
        queued_at=row.queued_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        error_class=row.error_class,
        error_message=row.error_message,
        traceback=row.traceback,
        late_at=row.late_at,
        late_outcome=row.late_outcome,
    )


def _between(start: datetime | None, end: datetime | None) -> timedelta | None:
    return end - start if start and end else None
