"""Questions about jobs: a page of the list, one job, what a bulk operation would touch."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select

from mahaam.jobs.state_questions import StateQuestions
from mahaam.models import Job
from mahaam.postgres.ask import by_session
from mahaam.postgres.paging import Page, PageCursor
from mahaam.postgres.query_limits import Reader, time_limit
from mahaam.search.job_filter import LAST_ID, JobFilter
from mahaam.search.job_stream import StreamWindow
from mahaam.search.search import search

ERROR_SHOWN = 200


@dataclass(frozen=True)
class JobEntry(StateQuestions):
    """A job as a list shows it; `error` is only its beginning."""

    id: uuid.UUID
    task: str
    queue: str
    state: str
    priority: int
    attempt: int
    retry_count: int
    max_retries: int
    run_at: datetime | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    cancel_requested_at: datetime | None
    error: str | None


def jobs_page(session: Reader, wanted: JobFilter, cursor: PageCursor) -> Page[JobEntry]:
    """Return a page of the jobs that match, newest first. Raises QueryTooSlow."""
    window = _window(cursor)
    with time_limit(session):
        found = search(by_session(session), wanted, window)
        entries = jobs_by_id(session, found.ids[: cursor.size])
    is_more = len(found.ids) > cursor.size
    reached = None if is_more else found.reached
    if window.upwards:
        older = bool(entries)
        return Page(entries, has_newer=is_more, has_older=older, searched_to=reached)
    return Page(entries, has_newer=cursor.after is not None, has_older=is_more, searched_to=reached)


def jobs_by_id(session: Reader, ids: Sequence[uuid.UUID]) -> tuple[JobEntry, ...]:
    """Return those of `ids` that exist, newest first."""
    rows = session.execute(_entries().where(Job.id.in_(ids)).order_by(Job.id.desc()))
    return tuple(JobEntry(**row._mapping) for row in rows)


def find_job(session: Reader, job_id: uuid.UUID) -> Job | None:
    """Return the whole record of one job, or None when it does not exist."""
    return session.get(Job, job_id)


def _entries() -> Select[Any]:
    # Arguments, results and whole errors can be large: a list does not load them.
    return select(  # type: ignore[return-value]  # more columns than SQLAlchemy types
        Job.id,
        Job.task,
        Job.queue,
        Job.state,
        Job.priority,
        Job.attempt,
        Job.retry_count,
        Job.max_retries,
        Job.run_at,
        Job.created_at,
        Job.started_at,
        Job.finished_at,
        Job.cancel_requested_at,
        func.left(Job.error, ERROR_SHOWN).label("error"),
    )


def _window(cursor: PageCursor) -> StreamWindow:
    # One row more than is shown tells whether there is a next page.
    if cursor.before is not None:
        return StreamWindow(size=cursor.size + 1, upwards=True).behind(cursor.before)
    return StreamWindow(limit=cursor.after or LAST_ID, size=cursor.size + 1)
