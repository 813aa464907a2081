"""What is done for people is written down in the transaction that does it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from mahaam.audit import store
from mahaam.audit.store import AuditRecord
from mahaam.core import actor
from mahaam.postgres import database
from mahaam.postgres.database import Cursor

__all__ = ["AuditRecord", "audited", "audited_jobs", "note", "shared", "tell"]

T = TypeVar("T")

Facts = dict[str, dict[str, Any]]


def note(event: AuditRecord) -> None:
    """Write down what has been done or refused elsewhere. Raises DatabaseUnavailable."""
    with database.transaction() as cursor:
        store.add(cursor, event, actor.current())


def tell(cursor: Cursor, event: AuditRecord) -> None:
    """Write down what the transaction of `cursor` does."""
    store.add(cursor, event, actor.current())


def audited(
    change: Callable[[Cursor], T], event: Callable[[T], AuditRecord | None]
) -> Callable[[Cursor], T]:
    """`change`, and the `event` of what it returned; to be called in a transaction.

    When nothing was done, `event` is None or has no targets, and nothing is written.
    """

    def work(cursor: Cursor) -> T:
        done = change(cursor)
        told = event(done)
        if told is not None and (told.targets or told.count):
            tell(cursor, told)
        return done

    return work


def audited_jobs(
    change: Callable[[Cursor], T],
    verb: str,
    *,
    by: str,
    ids: Sequence[str],
    done: Callable[[T], Iterable[str]],
    after: dict[str, Any],
    filter: dict[str, Any] | None = None,  # noqa: A002 (the column's name)
) -> Callable[[Cursor], T]:
    """`change` of the jobs `ids`, with what `after` names as it was before; `done` tells which.

    To be called in a transaction.
    """

    def work(cursor: Cursor) -> T:
        facts = store.job_facts(cursor, ids)
        return audited(change, lambda result: _event(facts, _in_order(ids, done(result))))(cursor)

    def _event(facts: Facts, targets: list[str]) -> AuditRecord:
        before = {
            name: shared({id_: facts.get(id_, {}).get(name) for id_ in targets}) for name in after
        }
        return AuditRecord(
            actor=by, verb=verb, kind="job", targets=targets, filter=filter, before=before, after=after
        )  # fmt: skip

    return work


def _in_order(ids: Sequence[str], done: Iterable[str]) -> list[str]:
    """Those of `ids` that are done, as they were named: PostgreSQL returns rows in any order."""
    found = set(done)
    return [id_ for id_ in ids if id_ in found]


def shared(by_id: dict[str, Any]) -> Any:
    """What all had in common, else the value of each by its id; None of nothing."""
    values = list(by_id.values())
    return by_id if any(value != values[0] for value in values) else next(iter(values), None)
