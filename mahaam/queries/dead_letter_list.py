"""Questions about jobs that failed for good."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.elements import ColumnElement

from mahaam.models import DeadLetter, DeadLetterNote, Job
from mahaam.postgres.paging import Page, PageCursor, read_page
from mahaam.postgres.query_limits import Reader

MESSAGE_SHOWN = 200


@dataclass(frozen=True)
class DeadLetterFilter:
    """What a list of dead letters is narrowed to; None: any.

    `causes` are fingerprints, of which each dead letter has one; `since` and `until` are about the
    last failure.
    """

    reprocessed: bool | None = None
    resolved: bool | None = None
    notified: bool | None = None
    queue: str | None = None
    task: str | None = None
    owner: str | None = None
    nobodys: bool | None = None
    causes: tuple[str, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the filter, ready for JSON; `from_dict` reads it back."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        plain = {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in given.items()
        }
        return {name: value for name, value in plain.items() if value is not None}

    @classmethod
    def from_dict(cls, kept: dict[str, Any]) -> DeadLetterFilter:
        """Return the filter that `to_dict` made this of. Raises TypeError for a filter of later versions."""
        given = dict(kept)
        for name in ("since", "until"):
            if name in given:
                given[name] = datetime.fromisoformat(given[name])
        if "causes" in given:
            given["causes"] = tuple(given["causes"])
        return cls(**given)


@dataclass(frozen=True)
class DeadLetterEntry:
    """A dead letter as a list shows it; `error_message` is only its beginning."""

    id: int
    job_id: uuid.UUID
    job_state: str
    task: str
    queue: str
    error_class: str
    error_message: str
    fingerprint: str
    retry_count: int
    failures: int
    created_at: datetime
    failed_at: datetime
    owner: str | None
    reprocessed_at: datetime | None
    resolved_at: datetime | None
    notified_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Return True if nobody has dealt with the dead letter yet."""
        return self.reprocessed_at is None and self.resolved_at is None


def dead_letters_page(
    session: Reader, wanted: DeadLetterFilter, cursor: PageCursor
) -> Page[DeadLetterEntry]:
    """Return a page of the dead letters that match, newest first. Raises QueryTooSlow."""
    return read_page(
        session, _matching(wanted), key=DeadLetter.id, cursor=cursor, entry=DeadLetterEntry
    )


def dead_letters_by_id(session: Reader, ids: Sequence[int]) -> tuple[DeadLetterEntry, ...]:
    """Return those of `ids` that exist, newest first."""
    rows = session.execute(_entries().where(DeadLetter.id.in_(ids)).order_by(DeadLetter.id.desc()))
    return tuple(DeadLetterEntry(**row._mapping) for row in rows)


def find_dead_letter(session: Reader, letter_id: int) -> DeadLetter | None:
    """Return the whole dead letter, with both tracebacks, or None when it does not exist."""
    return session.get(DeadLetter, letter_id)


def dead_letters_of(
    session: Reader, job_id: uuid.UUID, *, limit: int | None = None
) -> tuple[DeadLetterEntry, ...]:
    """Return the dead letters of one job, newest first."""
    rows = session.execute(
        _entries().where(DeadLetter.job_id == job_id).order_by(DeadLetter.id.desc()).limit(limit)
    )
    return tuple(DeadLetterEntry(**row._mapping) for row in rows)


def _entries() -> Select[Any]:
    return select(
        DeadLetter.id,
        DeadLetter.job_id,
        Job.state.label("job_state"),
        DeadLetter.task,
        DeadLetter.queue,
        DeadLetter.error_class,
        func.left(DeadLetter.error_message, MESSAGE_SHOWN).label("error_message"),
        DeadLetter.fingerprint,
        DeadLetter.retry_count,
        DeadLetter.failures,
        DeadLetter.created_at,
        DeadLetter.failed_at,
        DeadLetter.owner,
        DeadLetter.reprocessed_at,
        DeadLetter.resolved_at,
        DeadLetter.notified_at,
    ).join(Job, Job.id == DeadLetter.job_id)


def _matching(wanted: DeadLetterFilter) -> Select[Any]:
    question = _entries()
    marks: tuple[tuple[InstrumentedAttribute[datetime | None], bool | None], ...] = (
        (DeadLetter.reprocessed_at, wanted.reprocessed),
        (DeadLetter.resolved_at, wanted.resolved),
        (DeadLetter.notified_at, wanted.notified),
    )
    for column, is_marked in marks:
        if is_marked is not None:
            question = question.where(column.is_not(None) if is_marked else column.is_(None))
    rules: tuple[tuple[Any, Callable[[Any], ColumnElement[bool]]], ...] = (
        (wanted.queue, lambda queue: DeadLetter.queue == queue),
        (wanted.task, lambda task: DeadLetter.task == task),
        (wanted.owner, lambda owner: DeadLetter.owner == owner),
        (wanted.nobodys, lambda _is: DeadLetter.owner.is_(None)),
        (wanted.causes, DeadLetter.fingerprint.in_),
        (wanted.since, lambda since: DeadLetter.failed_at >= since),
        (wanted.until, lambda until: DeadLetter.failed_at < until),
    )
    return question.where(*(rule(value) for value, rule in rules if value is not None))


@dataclass(frozen=True)
class Note:
    """What somebody wrote about a dead letter."""

    note: str
    written_by: str
    written_at: datetime


def notes_of(session: Reader, letter_id: int, *, limit: int = 50) -> tuple[Note, ...]:
    """Return the notes about a dead letter, newest first."""
    rows = session.execute(
        select(DeadLetterNote.note, DeadLetterNote.written_by, DeadLetterNote.written_at)
        .where(DeadLetterNote.dead_letter_id == letter_id)
        .order_by(DeadLetterNote.id.desc())
        .limit(limit)
    )
    return tuple(Note(**row._mapping) for row in rows)
