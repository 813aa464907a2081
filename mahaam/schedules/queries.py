"""Questions about schedules: a page of them, one, the outcome of its due times."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, func, literal_column, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.elements import ColumnElement

from mahaam.jobs.job_columns import each, json_object
from mahaam.jobs.new_job import SCHEDULE_OPTIONS
from mahaam.live_settings import current
from mahaam.models import Job, Schedule, ScheduleFire, TaskDefinition
from mahaam.postgres.paging import Page, PageCursor, read_page
from mahaam.postgres.query_limits import COUNT_LIMIT, Reader, time_limit
from mahaam.schedules.rules.declared import Declared
from mahaam.schedules.rules.spec import Spec

# The newest fire whose job has completed, among the last few. Index: key of schedule_fire,
# job_pkey.
LAST_SUCCESS = """(
  SELECT finished_at FROM (
    SELECT job_id, fire_at FROM schedule_fire AS fire
    WHERE fire.schedule_id = schedule.id AND job_id IS NOT NULL ORDER BY fire_at DESC LIMIT 20) AS made
  JOIN job ON job.id = made.job_id WHERE job.state = 'completed' ORDER BY made.fire_at DESC LIMIT 1)"""
JOB_OPTIONS = json_object(each(SCHEDULE_OPTIONS, "schedule.{}"))
FIRES_SHOWN = 50
COMPARED = (
    "task", "kind", "every_s", "cron", "timezone", "kwargs", "missed", "missed_limit", "overlap",
)  # fmt: skip


@dataclass(frozen=True)
class ScheduleEntry:
    """A schedule as lists and its page show it; `at` is PostgreSQL's now.

    `job_options` are those that it sets for its jobs, by their fields in NewJob.
    """

    id: int
    name: str
    task: str
    definition_id: int | None
    definition: str | None
    kind: str
    run_at: datetime | None
    every_s: int | None
    cron: str | None
    timezone: str
    starts_at: datetime
    ends_at: datetime | None
    args: list[Any]
    kwargs: dict[str, Any]
    job_options: dict[str, Any]
    missed: str
    missed_limit: int
    overlap: str
    next_run_at: datetime | None
    last_fire_at: datetime | None
    disabled_at: datetime | None
    disabled_by: str | None
    disabled_reason: str | None
    broken_at: datetime | None
    broken: dict[str, Any] | None
    code: dict[str, Any] | None
    edited_at: datetime | None
    created_by: str
    created_at: datetime
    last_success_at: datetime | None
    at: datetime

    @property
    def spec(self) -> Spec:
        """Return the times of the schedule."""
        return Spec(
            kind=self.kind, run_at=self.run_at, every_s=self.every_s, cron=self.cron,
            timezone=self.timezone, starts_at=self.starts_at, ends_at=self.ends_at,
        )  # fmt: skip

    @property
    def is_overdue(self) -> bool:
        """Return True if the schedule should have fired a while ago and nobody fired it."""
        return (
            self.disabled_at is None
            and self.next_run_at is not None
            and self.at - self.next_run_at > overdue_after()
        )

    @property
    def state(self) -> str:
        """Return one word: broken, overdue, disabled, over, active."""
        if self.disabled_at is not None:
            return "disabled"
        if self.broken is not None:
            return "broken"
        if self.is_overdue:
            return "overdue"
        return "active" if self.next_run_at else "over"

    @property
    def said_by_code(self) -> Declared | None:
        """Return the schedule as declared in the code."""
        return Declared(name=self.name, **self.code) if self.code else None

    @property
    def differences(self) -> list[tuple[str, Any, Any]]:
        """Return the fields that people edited, each with the code's value and the present one."""
        if self.code is None or self.edited_at is None:
            return []
        return [
            (name, self.code[name], getattr(self, name))
            for name in COMPARED
            if self.code[name] != getattr(self, name)
        ]


@dataclass(frozen=True)
class FireEntry:
    """The outcome of a due time; the job's columns are None when it is gone or was never made."""

    fire_at: datetime
    state: str
    reason: str | None
    made_at: datetime
    made_by: str | None
    count: int
    job_id: uuid.UUID | None
    job_state: str | None
    started_at: datetime | None
    finished_at: datetime | None
    error: str | None

    @property
    def late_s(self) -> float:
        """Return how long after the due time the job was made."""
        return (self.made_at - self.fire_at).total_seconds()

    @property
    def ran_s(self) -> float | None:
        """Return how long its last attempt ran."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()


def overdue_after() -> timedelta:
    """Return after how long a due schedule that did not fire is overdue; a live setting."""
    return timedelta(seconds=current.value("schedule_overdue_s"))


def _states() -> dict[str, ColumnElement[bool]]:
    is_on = Schedule.disabled_at.is_(None)
    late = func.now() - overdue_after()
    return {
        "active": and_(is_on, Schedule.next_run_at.is_not(None)),
        "disabled": Schedule.disabled_at.is_not(None),
        "overdue": and_(is_on, Schedule.next_run_at < late),
        "broken": and_(is_on, Schedule.broken_at.is_not(None)),
        "over": and_(is_on, Schedule.next_run_at.is_(None)),
        "edited": and_(Schedule.code.is_not(None), Schedule.edited_at.is_not(None)),
    }


IN_TROUBLE = ("broken", "overdue")


@dataclass(frozen=True)
class ScheduleTrouble:
    """The number of broken or overdue schedules, one of them, and since when the first of them is."""

    state: str
    count: int
    id: int
    name: str
    since: datetime


def schedule_troubles(session: Reader) -> tuple[ScheduleTrouble, ...]:
    """Return the faults of schedules, each kind once. Index: schedule_due, schedule_broken."""
    states = _states()
    moments = {"broken": Schedule.broken_at, "overdue": Schedule.next_run_at}
    found = []
    for state in IN_TROUBLE:
        since = moments[state]
        is_so = (
            states[state]
            if state == "broken"
            else and_(states[state], Schedule.broken_at.is_(None))
        )
        question = select(Schedule.id, Schedule.name, since.label("since")).where(is_so)
        rows = session.execute(question.order_by(since).limit(COUNT_LIMIT + 1)).all()
        if rows:
            (id_, name, first), *_others = rows
            assert first is not None, "both states have their moment"
            found.append(ScheduleTrouble(state, len(rows), id_, name, first))
    return tuple(found)


STATES = ("active", "overdue", "broken", "disabled", "over", "edited")


def schedule_page(
    session: Reader,
    *,
    state: str | None = None,
    task: str | None = None,
    name: str | None = None,
    cursor: PageCursor | None = None,
) -> Page[ScheduleEntry]:
    """Return the schedules, newest first, of a state, a task, or with `name` in their names."""
    question = _entries()
    if state:
        question = question.where(_states()[state])
    if task:
        question = question.where(Schedule.task == task)
    if name:
        question = question.where(Schedule.name.icontains(name, autoescape=True))
    return read_page(
        session, question, key=Schedule.id, cursor=cursor or PageCursor(), entry=ScheduleEntry
    )


def schedule_counts(session: Reader) -> dict[str, int]:
    """Return how many there are in each state, and in all, each at most COUNT_LIMIT + 1."""
    limited = select(Schedule).limit(COUNT_LIMIT + 1).subquery()
    columns = [
        select(func.count())
        .select_from(select(Schedule.id).where(rule).limit(COUNT_LIMIT + 1).subquery())
        .scalar_subquery()
        .label(name)
        for name, rule in _states().items()
    ]
    with time_limit(session):
        row = session.execute(
            select(
                select(func.count()).select_from(limited).scalar_subquery().label("all"), *columns
            )
        ).one()
    return dict(row._mapping)


def schedule(session: Reader, id_: int) -> ScheduleEntry | None:
    """Return one schedule, or None when it does not exist."""
    return _first(session, _entries().where(Schedule.id == id_))


def schedule_named(session: Reader, name: str) -> ScheduleEntry | None:
    """Return the schedule with a name, or None when there is none."""
    return _first(session, _entries().where(Schedule.name == name))


def fire_page(
    session: Reader, schedule_id: int, *, before: datetime | None = None, size: int = FIRES_SHOWN
) -> list[FireEntry]:
    """Return the due times of a schedule, newest first, older than `before`, with their jobs."""
    question = (
        select(
            ScheduleFire.fire_at, ScheduleFire.state, ScheduleFire.reason, ScheduleFire.made_at,
            ScheduleFire.made_by, ScheduleFire.count, ScheduleFire.job_id,
            Job.state.label("job_state"), Job.started_at, Job.finished_at,
            func.left(Job.error, 300).label("error"),
        )
        .outerjoin(Job, Job.id == ScheduleFire.job_id)
        .where(ScheduleFire.schedule_id == schedule_id)
        .order_by(ScheduleFire.fire_at.desc())
        .limit(size)
    )  # fmt: skip
    if before is not None:
        question = question.where(ScheduleFire.fire_at < before)
    with time_limit(session):
        return [FireEntry(**row._mapping) for row in session.execute(question)]


def schedules_of(session: Reader, task: str, *, limit: int = 20) -> Sequence[ScheduleEntry]:
    """Return the newest schedules of a task."""
    question = _entries().where(Schedule.task == task).order_by(Schedule.id.desc()).limit(limit)
    with time_limit(session):
        return [ScheduleEntry(**row._mapping) for row in session.execute(question)]


def _entries() -> Select[Any]:
    columns = [column for column in Schedule.__table__.columns if column.name in _SHOWN]
    return select(
        *columns,
        select(TaskDefinition.name)
        .where(TaskDefinition.id == Schedule.definition_id)
        .scalar_subquery()
        .label("definition"),
        literal_column(JOB_OPTIONS, JSONB).label("job_options"),
        literal_column(LAST_SUCCESS).label("last_success_at"),
        func.now().label("at"),
    ).select_from(Schedule)


_SHOWN = frozenset(ScheduleEntry.__dataclass_fields__)


def _first(session: Reader, question: Select[Any]) -> ScheduleEntry | None:
    with time_limit(session):
        row = session.execute(question).first()
    return ScheduleEntry(**row._mapping) if row else None
