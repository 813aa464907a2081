"""Every start of each job, newest job first."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from mahaam.models import Attempt, Job, ScheduleFire
from mahaam.postgres.paging import Page, PageCursor
from mahaam.postgres.query_limits import Reader, time_limit
from mahaam.queries.job_list import jobs_page
from mahaam.search.job_filter import JobFilter

STARTS_SHOWN = 5  # of one job; the others are on its page
ERROR_SHOWN = 200


@dataclass(frozen=True)
class Execution:
    """One start of a job; `outcome` is a state of the job, or crashed, or released."""

    id: uuid.UUID  # of the job
    task: str
    queue: str
    number: int
    outcome: str
    started_at: datetime | None
    finished_at: datetime | None
    error: str | None
    schedule_id: int | None

    @property
    def ran(self) -> timedelta | None:
        """Return how long the start ran, or None while it runs."""
        if self.started_at is None or self.finished_at is None:
            return None
        return self.finished_at - self.started_at


def executions_page(session: Reader, wanted: JobFilter, cursor: PageCursor) -> Page[Execution]:
    """Return the starts of the jobs that match; a page has those of up to `cursor.size` jobs."""
    page = jobs_page(session, wanted, cursor)
    return _page(page, _starts(session, [entry.id for entry in page.entries]))


def executions_of_schedule(
    session: Reader, schedule_id: int, cursor: PageCursor
) -> Page[Execution]:
    """Return the starts of the jobs that a schedule made. Index: key of schedule_fire."""
    # A job's id contains the time at which it was made: nearly the order of the due times.
    question = select(ScheduleFire.job_id).where(
        ScheduleFire.schedule_id == schedule_id, ScheduleFire.job_id.is_not(None)
    )
    at = ScheduleFire.fire_at
    if cursor.after is not None:
        seen = _fire_at(schedule_id, cursor.after)
        question = question.where(at < seen).order_by(at.desc())
    elif cursor.before is not None:
        question = question.where(at > _fire_at(schedule_id, cursor.before)).order_by(at.asc())
    else:
        question = question.order_by(at.desc())
    with time_limit(session):
        ids = [id_ for id_ in session.scalars(question.limit(cursor.size + 1)) if id_ is not None]
        is_more, ids = len(ids) > cursor.size, ids[: cursor.size]
        if cursor.before is not None:
            ids.reverse()
        starts = _starts(session, ids)
    if cursor.before is not None:
        return Page(starts, has_newer=is_more, has_older=bool(ids))
    return Page(starts, has_newer=cursor.after is not None, has_older=is_more)


def _fire_at(schedule_id: int, job_id: uuid.UUID) -> object:
    return (
        select(ScheduleFire.fire_at)
        .where(ScheduleFire.job_id == job_id, ScheduleFire.schedule_id == schedule_id)
        .scalar_subquery()
    )


def _page(jobs: Page, starts: tuple[Execution, ...]) -> Page[Execution]:  # type: ignore[type-arg]
    return Page(starts, jobs.has_newer, jobs.has_older, jobs.searched_to)


def _starts(session: Reader, ids: Sequence[uuid.UUID]) -> tuple[Execution, ...]:
    """Return the newest starts of jobs, in the order of `ids`; a job that has not started has none."""
    jobs = session.execute(
        select(
            Job.id, Job.task, Job.queue, Job.state, Job.attempt, Job.started_at, Job.finished_at,
            func.left(Job.error, ERROR_SHOWN).label("error"), Job.schedule_id,
        ).where(Job.id.in_(ids))
    ).all()  # fmt: skip
    ranked = (
        select(
            Attempt.job_id, Attempt.number, Attempt.outcome, Attempt.started_at, Attempt.finished_at,
            func.left(Attempt.error_message, ERROR_SHOWN).label("error"),
            func.row_number()
            .over(partition_by=Attempt.job_id, order_by=Attempt.number.desc())
            .label("place"),
        )
        .where(Attempt.job_id.in_(ids))
        .subquery()
    )  # fmt: skip
    noted = session.execute(select(ranked).where(ranked.c.place <= STARTS_SHOWN)).all()
    found: list[Execution] = []
    for job in jobs:
        own = [
            Execution(
                job.id, job.task, job.queue, row.number, row.outcome, row.started_at,
                row.finished_at, row.error, job.schedule_id,
            )
            for row in noted
            if row.job_id == job.id
        ]  # fmt: skip
        if job.started_at is not None and all(start.number != job.attempt for start in own):
            own.append(
                Execution(
                    job.id, job.task, job.queue, job.attempt, job.state, job.started_at,
                    job.finished_at, job.error, job.schedule_id,
                )
            )  # fmt: skip
        found += own
    return _in_order(found, ids)


def _in_order(found: Iterable[Execution], ids: Sequence[uuid.UUID]) -> tuple[Execution, ...]:
    place = {id_: number for number, id_ in enumerate(ids)}
    return tuple(sorted(found, key=lambda start: (place[start.id], -start.number)))
