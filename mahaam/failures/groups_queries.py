"""Questions about error groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.sql.elements import ColumnElement

from mahaam.models import DeadLetter, ErrorGroup, ErrorHour, TaskRunbook
from mahaam.postgres.paging import Page, PageCursor, read_page
from mahaam.postgres.query_limits import COUNT_LIMIT, Reader, time_limit
from mahaam.search.searchable_rows import are_groups_masked

HOURS_SHOWN, DAYS_SHOWN = 24, 30
STATES = ("open", "returned", "ignored", "resolved")


@dataclass(frozen=True)
class GroupEntry:
    """An error group as lists and its page show it."""

    id: int
    fingerprint: str
    error_class: str
    message: str
    tasks: list[str]
    queues: list[str]
    releases: list[str]
    first_seen_at: datetime
    last_seen_at: datetime
    count: int
    sample_id: int | None
    resolved_at: datetime | None
    resolved_by: str | None
    returned_at: datetime | None
    ignored_at: datetime | None
    ignored_by: str | None
    ignored_until: datetime | None
    ignored_until_count: int | None
    ignored_until_rate: int | None
    owner: str | None
    runbook: str | None

    @property
    def state(self) -> str:
        """Return one of STATES."""
        if self.resolved_at is not None:
            return "resolved"
        if self.ignored_at is not None:
            return "ignored"
        return "returned" if self.returned_at is not None else "open"

    @property
    def needs_somebody(self) -> bool:
        """Return True if the group is neither resolved nor ignored."""
        return self.resolved_at is None and self.ignored_at is None


@dataclass(frozen=True)
class GroupFilter:
    """What a list of error groups is narrowed to; None: any. `text` is in the class or the message."""

    state: str | None = None
    task: str | None = None
    owner: str | None = None
    text: str | None = None


Counts = list[tuple[datetime, int]]


def group_page(session: Reader, wanted: GroupFilter, cursor: PageCursor) -> Page[GroupEntry]:
    """Return a page of the error groups that match, newest first. Raises QueryTooSlow."""
    if wanted.text and not are_groups_masked(session):
        return Page()
    return read_page(session, _matching(wanted), key=ErrorGroup.id, cursor=cursor, entry=GroupEntry)


def group(session: Reader, id_: int) -> GroupEntry | None:
    """Return one error group, or None when it does not exist."""
    return _first(session, select(*_COLUMNS).where(ErrorGroup.id == id_))


def group_of(session: Reader, fingerprint: str) -> GroupEntry | None:
    """Return the error group with a fingerprint, or None while its failures are not gathered."""
    return _first(session, select(*_COLUMNS).where(ErrorGroup.fingerprint == fingerprint))


def fingerprints_with(session: Reader, text: str, *, limit: int = 200) -> list[str]:
    """Return the fingerprints of the newest groups with a text in their class or newest message."""
    question = select(ErrorGroup.fingerprint).where(_has(text))
    with time_limit(session):
        if not are_groups_masked(session):
            return []
        return list(session.scalars(question.order_by(ErrorGroup.id.desc()).limit(limit)))


def group_counts(session: Reader) -> dict[str, int]:
    """Return how many there are in each state, each at most COUNT_LIMIT + 1."""
    columns = [
        select(func.count())
        .select_from(select(ErrorGroup.id).where(rule).limit(COUNT_LIMIT + 1).subquery())
        .scalar_subquery()
        .label(name)
        for name, rule in _STATES.items()
    ]
    with time_limit(session):
        return dict(session.execute(select(*columns)).one()._mapping)


def hours(session: Reader, ids: Sequence[int], now: datetime) -> dict[int, Counts]:
    """Return the failures of groups in each of the last 24 hours, oldest first. Index: key of error_hour."""
    this = now.replace(minute=0, second=0, microsecond=0)
    moments = [this - timedelta(hours=back) for back in range(HOURS_SHOWN - 1, -1, -1)]
    found = _struck(session, ids, since=moments[0])
    return {id_: [(at, found.get((id_, at), 0)) for at in moments] for id_ in ids}


def days(session: Reader, id_: int, now: datetime) -> Counts:
    """Return the failures of a group on each of the last 30 days (UTC), oldest first."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    moments = [today - timedelta(days=back) for back in range(DAYS_SHOWN - 1, -1, -1)]
    sums = dict.fromkeys(moments, 0)
    for (_, hour), count in _struck(session, [id_], since=moments[0]).items():
        sums[hour.replace(hour=0)] += count
    return list(sums.items())


def open_letters_of(session: Reader, fingerprint: str) -> int:
    """Return how many dead letters of a cause are open, at most COUNT_LIMIT + 1.

    Index: dead_letter_open_cause.
    """
    rows = (
        select(DeadLetter.id)
        .where(
            DeadLetter.fingerprint == fingerprint,
            DeadLetter.resolved_at.is_(None),
            DeadLetter.reprocessed_at.is_(None),
        )
        .limit(COUNT_LIMIT + 1)
    )
    with time_limit(session):
        return session.scalar(select(func.count()).select_from(rows.subquery())) or 0


def runbook(session: Reader, task: str) -> str | None:
    """Return the runbook of a task, as Markdown."""
    return session.scalar(select(TaskRunbook.text).where(TaskRunbook.task == task))


_COLUMNS = [
    column
    for column in ErrorGroup.__table__.columns
    if column.name in GroupEntry.__dataclass_fields__
]
_STATES: dict[str, ColumnElement[bool]] = {
    "open": and_(ErrorGroup.resolved_at.is_(None), ErrorGroup.ignored_at.is_(None)),
    "returned": and_(
        ErrorGroup.returned_at.is_not(None),
        ErrorGroup.resolved_at.is_(None),
        ErrorGroup.ignored_at.is_(None),
    ),
    "ignored": ErrorGroup.ignored_at.is_not(None),
    "resolved": ErrorGroup.resolved_at.is_not(None),
}


def _matching(wanted: GroupFilter) -> Select[Any]:
    question = select(*_COLUMNS)
    if wanted.state:
        question = question.where(_STATES[wanted.state])
    if wanted.task:
        question = question.where(ErrorGroup.tasks.contains([wanted.task]))
    if wanted.owner:
        question = question.where(ErrorGroup.owner == wanted.owner)
    return question.where(_has(wanted.text)) if wanted.text else question


def _has(text: str) -> ColumnElement[bool]:
    return or_(
        ErrorGroup.error_class.icontains(text, autoescape=True),
        ErrorGroup.message.icontains(text, autoescape=True),
    )


def _struck(
    session: Reader, ids: Sequence[int], *, since: datetime
) -> dict[tuple[int, datetime], int]:
    question = select(ErrorHour.group_id, ErrorHour.hour, ErrorHour.count).where(
        ErrorHour.group_id.in_(ids), ErrorHour.hour >= since
    )
    with time_limit(session):
        return {(id_, hour): count for id_, hour, count in session.execute(question)}


def _first(session: Reader, question: Select[Any]) -> GroupEntry | None:
    with time_limit(session):
        row = session.execute(question).first()
    return GroupEntry(**row._mapping) if row else None
