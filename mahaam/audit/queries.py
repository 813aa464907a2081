"""Questions about the audit."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, cast, func, literal_column, or_, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Text

from mahaam.models import AuditEvent, DeadLetter
from mahaam.postgres.paging import Page, PageCursor, read_page
from mahaam.postgres.query_limits import Reader

TARGETS_SHOWN = 20


@dataclass(frozen=True)
class AuditFilter:
    """What the audit is narrowed to; None: any."""

    actor: str | None = None
    verb: str | None = None
    target: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    is_refused: bool | None = None


@dataclass(frozen=True)
class AuditEntry:
    """An event as a list shows it; `targets` are only the first ones."""

    id: int
    at: datetime
    actor: str
    channel: str
    address: str | None
    verb: str
    kind: str
    targets: list[str]
    count: int
    filter: Any | None
    before: Any | None
    after: Any | None
    reason: str | None
    refused: str | None


def audit_page(session: Reader, wanted: AuditFilter, cursor: PageCursor) -> Page[AuditEntry]:
    """Return a page of the events that match, newest first. Raises QueryTooSlow."""
    return read_page(session, _matching(wanted), key=AuditEvent.id, cursor=cursor, entry=AuditEntry)


def audit_of(session: Reader, job_id: uuid.UUID, *, limit: int = 100) -> tuple[AuditEntry, ...]:
    """Return what people did to one job and to its dead letters, newest first."""
    # Index: audit_event_targets.
    letters = select(func.array_agg(cast(DeadLetter.id, Text))).where(DeadLetter.job_id == job_id)
    names = session.scalar(letters) or []
    of_letters = and_(AuditEvent.kind == "dead_letter", _one_of(names))
    question = _entries().where(or_(_one_of([str(job_id)]), of_letters))
    rows = session.execute(question.order_by(AuditEvent.id.desc()).limit(limit))
    return tuple(AuditEntry(**row._mapping) for row in rows)


def is_protected(session: Reader) -> bool:
    """Return True if the role that asks can change nothing in the audit."""
    return bool(
        session.scalar(
            text(
                "SELECT NOT (rolsuper OR has_table_privilege('audit_event', 'UPDATE')"
                " OR has_table_privilege('audit_event', 'DELETE'))"
                " FROM pg_roles WHERE rolname = current_user"
            )
        )
    )


def _one_of(names: Sequence[str]) -> Any:
    return AuditEvent.targets.overlap(cast(names, ARRAY(Text)))


def _entries() -> Select[Any]:
    return select(
        AuditEvent.id,
        AuditEvent.at,
        AuditEvent.actor,
        AuditEvent.channel,
        AuditEvent.address,
        AuditEvent.verb,
        AuditEvent.kind,
        literal_column(f"targets[1:{TARGETS_SHOWN}]", ARRAY(Text)).label("targets"),
        AuditEvent.count,
        AuditEvent.filter,
        AuditEvent.before,
        AuditEvent.after,
        AuditEvent.reason,
        AuditEvent.refused,
    )


def _matching(wanted: AuditFilter) -> Select[Any]:
    question = _entries()
    if wanted.actor is not None:
        question = question.where(AuditEvent.actor == wanted.actor)
    if wanted.verb is not None:
        question = question.where(AuditEvent.verb == wanted.verb)
    if wanted.target is not None:
        question = question.where(_one_of([wanted.target]))
    if wanted.since is not None:
        question = question.where(AuditEvent.at >= wanted.since)
    if wanted.until is not None:
        question = question.where(AuditEvent.at < wanted.until)
    if wanted.is_refused is not None:
        is_null = AuditEvent.refused.is_(None)
        question = question.where(~is_null if wanted.is_refused else is_null)
    return question
