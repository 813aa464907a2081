"""Creation, change and deletion of one record: locked, checked, written and audited in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from mahaam.audit import record
from mahaam.audit.record import AuditRecord
from mahaam.core.field import FieldNotValid
from mahaam.core.translatable import Translatable
from mahaam.postgres import database
from mahaam.postgres.database import Cursor
from mahaam.records.table import RecordTable, Row

log = logging.getLogger("mahaam.verbs")

Given = Mapping[str, Any]
Key = TypeVar("Key", int, str)


class RecordStore(Protocol[Key]):
    """The store of a kind of record; a RecordTable is one."""

    @property
    def fields(self) -> tuple[str, ...]:
        """Return the fields that people set."""

    def lock(self, cursor: Cursor, id_: Key, /) -> Row | None:
        """Return a record with all its `fields`, locked until the transaction ends."""

    def update(self, cursor: Cursor, id_: Key, row: Row, /, *, by: str) -> None:
        """Set these columns of a record."""

    def delete(self, cursor: Cursor, ids: list[Key], /) -> None:
        """Delete records."""


def _picked(row: Row, names: Iterable[str]) -> Row:
    return {name: row[name] for name in names}


def _no_more(_cursor: Cursor, _before: Row, _after: Row | None) -> None:
    """Do nothing: no other record needs a check or a change."""


@dataclass(frozen=True, kw_only=True)
class RecordKind(Generic[Key]):
    """A kind of record, named as in the audit.

    `check` makes the columns of what is given and of the row before (None: a new one). It may raise
    FieldNotValid, and so may `with_it`, which is called before a row is changed or deleted (None).
    `told` returns what the audit keeps of some columns; `verb` is the audit's name for a change,
    whatever was done.
    """

    name: str
    store: RecordStore[Key]
    check: Callable[[Cursor, Given, Row | None], Row]
    with_it: Callable[[Cursor, Row, Row | None], None] = _no_more
    told: Callable[[Row, Iterable[str]], Any] = _picked
    verb: str | None = None


@dataclass(frozen=True, kw_only=True)
class NamedKind(RecordKind[int]):
    """A kind of record that people make under a unique name.

    `taken` is the sentence for a name that is taken.
    """

    store: RecordTable
    taken: Translatable


def create(kind: NamedKind, given: Given, *, by: str) -> int:
    """Make a record. Return its id. Raises FieldNotValid, DatabaseUnavailable."""
    with database.transaction() as cursor:
        row = kind.check(cursor, given, None)
        id_ = kind.store.insert(cursor, row, by=by)
        if id_ is None:
            raise FieldNotValid("name", kind.taken)
        filled = [name for name in kind.store.fields if row[name] not in (None, [], {})]
        note(cursor, kind, "create", row["name"], by=by, after=kind.told(row, filled))
    _log(kind, "create", row["name"], by)
    return id_


def change(kind: RecordKind[Key], id_: Key, given: Given, *, by: str) -> bool:
    """Change what is given of a record. Return True if a field has another value now.

    Raises LookupError, FieldNotValid, DatabaseUnavailable.
    """
    with database.transaction() as cursor:
        before = _locked(cursor, kind, id_)
        row = kind.check(cursor, given, before)
        changed = [name for name in kind.store.fields if row[name] != before[name]]
        if not changed:
            return False
        if isinstance(kind, NamedKind) and "name" in changed:
            _check_name(cursor, kind, row["name"])
        kind.with_it(cursor, before, row)
        kind.store.update(cursor, id_, row, by=by)
        old, new = kind.told(before, changed), kind.told(row, changed)
        note(cursor, kind, "edit", before["name"], by=by, before=old, after=new)
    _log(kind, "edit", before["name"], by)
    return True


def delete(kind: RecordKind[Key], id_: Key, *, by: str, after: Any = None) -> None:
    """Delete a record; `after` is the state without it, for the audit.

    Raises LookupError, FieldNotValid while it is in use, DatabaseUnavailable.
    """
    with database.transaction() as cursor:
        before = _locked(cursor, kind, id_)
        kind.with_it(cursor, before, None)
        kind.store.delete(cursor, [id_])
        old = kind.told(before, kind.store.fields)
        note(cursor, kind, "delete", before["name"], by=by, before=old, after=after)
    _log(kind, "delete", before["name"], by)


def note(
    cursor: Cursor, kind: RecordKind[Any], verb: str, name: str, *, by: str, **more: Any
) -> None:
    """Write into the audit what the transaction of `cursor` does to a record."""
    event = AuditRecord(actor=by, verb=kind.verb or verb, kind=kind.name, targets=[name], **more)
    record.tell(cursor, event)


def _log(kind: RecordKind[Any], verb: str, name: str, by: str) -> None:
    log.info("Record changed. kind=%s verb=%s name=%s by=%s", kind.name, verb, name, by)


def _locked(cursor: Cursor, kind: RecordKind[Key], id_: Key) -> Row:
    row = kind.store.lock(cursor, id_)
    if row is None:
        raise LookupError(f"There is no {kind.name} {id_}.")
    return row


def _check_name(cursor: Cursor, kind: NamedKind, name: str) -> None:
    if kind.store.is_taken(cursor, name):
        raise FieldNotValid("name", kind.taken)
