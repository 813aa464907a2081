"""Questions about definitions of tasks that people made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from mahaam.models import TaskDefinition
from mahaam.postgres.paging import Page, PageCursor, read_page
from mahaam.postgres.query_limits import Reader, time_limit

TAG_LENGTH = 200


def definition_tag(name: str) -> str:
    """Return the tag by which jobs of a definition are found."""
    return f"definition:{name}"[:TAG_LENGTH]


@dataclass(frozen=True)
class DefinitionEntry:
    """A definition as lists and its page show it."""

    id: int
    name: str
    task: str
    description: str
    queue: str | None
    kwargs: dict[str, Any]
    created_by: str
    created_at: datetime
    changed_by: str | None
    changed_at: datetime | None


_COLUMNS = [
    column
    for column in TaskDefinition.__table__.columns
    if column.name in DefinitionEntry.__dataclass_fields__
]


def definition_page(session: Reader, cursor: PageCursor) -> Page[DefinitionEntry]:
    """Return the definitions, newest first."""
    return read_page(
        session, select(*_COLUMNS), key=TaskDefinition.id, cursor=cursor, entry=DefinitionEntry
    )


def definition(session: Reader, id_: int) -> DefinitionEntry | None:
    """Return one definition, or None when it does not exist."""
    with time_limit(session):
        row = session.execute(select(*_COLUMNS).where(TaskDefinition.id == id_)).first()
    return DefinitionEntry(**row._mapping) if row else None


def definition_names(session: Reader, *, limit: int = 500) -> Sequence[str]:
    """Return the names of the newest definitions."""
    question = select(TaskDefinition.name).order_by(TaskDefinition.id.desc()).limit(limit)
    with time_limit(session):
        return session.scalars(question).all()


def definitions_of(session: Reader, task: str, *, limit: int = 50) -> Sequence[DefinitionEntry]:
    """Return the newest definitions of a task."""
    question = select(*_COLUMNS).where(TaskDefinition.task == task)
    with time_limit(session):
        rows = session.execute(question.order_by(TaskDefinition.id.desc()).limit(limit))
        return [DefinitionEntry(**row._mapping) for row in rows]
