"""Audit records, written in the transaction of what they record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from mahaam.audit import store
from mahaam.audit.store import AuditRecord
from mahaam.core import actor
from mahaam.postgres import database
from mahaam.postgres.database import Cursor

__all__ = ["AuditRecord", "audited", "note", "shared", "tell"]

T = TypeVar("T")


def note(event: AuditRecord) -> None:
    """Write an event of what was done or rejected elsewhere. Raises DatabaseUnavailable."""
    with database.transaction() as cursor:
        store.add(cursor, event, actor.current())


def tell(cursor: Cursor, event: AuditRecord) -> None:
    """Write an event of what the transaction of `cursor` does."""
    store.add(cursor, event, actor.current())


def audited(
    change: Callable[[Cursor], T], event: Callable[[T], AuditRecord | None]
) -> Callable[[Cursor], T]:
    """Return `change` with the `event` of what it returned; to be called in a transaction.

    When nothing was done, `event` is None or has no targets, and nothing is written.
    """

    def work(cursor: Cursor) -> T:
        done = change(cursor)
        told = event(done)
        if told is not None and (told.targets or told.count):
            tell(cursor, told)
        return done

    return work


def shared(by_id: dict[str, Any]) -> Any:
    """Return the value that all have in common, else the value of each by its id; None of nothing."""
    values = list(by_id.values())
    return by_id if any(value != values[0] for value in values) else next(iter(values), None)
