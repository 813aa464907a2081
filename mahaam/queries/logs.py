"""The log lines of a job, in the order in which they were logged."""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, select, tuple_

from mahaam.models import JobLog
from mahaam.postgres.query_limits import Reader, time_limit

PAGE_LINES = 1000
LINES_SHOWN = 100


class LogPosition(NamedTuple):
    """The position of a log line."""

    attempt: int
    number: int


BEGINNING = LogPosition(0, 0)


@dataclass(frozen=True)
class LogEntry:
    """One log line; `level` is as `logging` counts, `logger` None for `current_job.log`."""

    attempt: int
    number: int
    said_at: datetime
    level: int
    logger: str | None
    message: str

    @property
    def level_name(self) -> str:
        """Return the level as `logging` calls it."""
        return logging.getLevelName(self.level)

    @property
    def place(self) -> LogPosition:
        """Return the position where the next page begins."""
        return LogPosition(self.attempt, self.number)


def lines_after(
    session: Reader,
    job_id: uuid.UUID,
    after: LogPosition = BEGINNING,
    *,
    attempt: int | None = None,
    level: int = 0,
    limit: int = PAGE_LINES,
) -> tuple[LogEntry, ...]:
    """Return the next lines behind `after`, of one attempt or of all, from `level` on."""
    # Index: job_log_pkey.
    question = _lines(job_id).where(tuple_(JobLog.attempt, JobLog.number) > after)
    if attempt is not None:
        question = question.where(JobLog.attempt == attempt)
    if level:
        question = question.where(JobLog.level >= level)
    rows = session.execute(question.order_by(JobLog.attempt, JobLog.number).limit(limit))
    return tuple(LogEntry(**row._mapping) for row in rows)


@dataclass(frozen=True)
class LogPage:
    """Some lines, oldest first, and whether there are older ones."""

    lines: tuple[LogEntry, ...]
    has_older: bool


def log_page(
    session: Reader,
    job_id: uuid.UUID,
    *,
    before: LogPosition | None = None,
    attempt: int | None = None,
    level: int = 0,
    limit: int = LINES_SHOWN,
) -> LogPage:
    """Return the newest lines, or those before `before`, of one attempt or of all, from `level` on.

    Raises QueryTooSlow.
    """
    # Index: job_log_pkey, backwards.
    question = _lines(job_id)
    if before is not None:
        question = question.where(tuple_(JobLog.attempt, JobLog.number) < before)
    if attempt is not None:
        question = question.where(JobLog.attempt == attempt)
    if level:
        question = question.where(JobLog.level >= level)
    newest = (JobLog.attempt.desc(), JobLog.number.desc())
    with time_limit(session):
        rows = session.execute(question.order_by(*newest).limit(limit + 1)).all()
    lines = tuple(LogEntry(**row._mapping) for row in reversed(rows[:limit]))
    return LogPage(lines, has_older=len(rows) > limit)


def _lines(job_id: uuid.UUID) -> Select[Any]:
    return select(  # type: ignore[return-value]  # more columns than SQLAlchemy types
        JobLog.attempt, JobLog.number, JobLog.said_at, JobLog.level, JobLog.logger, JobLog.message
    ).where(JobLog.job_id == job_id)
