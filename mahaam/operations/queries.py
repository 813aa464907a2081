"""Questions about operations: the newest ones, one of them, what it did to each job."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select, text

from mahaam.core.translatable import Translatable
from mahaam.models import Operation, OperationResult
from mahaam.postgres.paging import Page, PageCursor, read_page
from mahaam.postgres.query_limits import Reader


@dataclass(frozen=True)
class OperationEntry:
    """An operation; `s_since_end` is how long ago it ended, None while it is not over."""

    id: int
    kind: str
    verb: str
    filter: dict[str, Any] | None
    parameters: dict[str, Any]
    reason: str | None
    created_by: str
    created_at: datetime
    state: str
    expected: int | None
    done: int
    refused: int
    started_at: datetime | None
    finished_at: datetime | None
    aborted_by: str | None
    fault: str | None
    undone_by: str | None
    undone_at: datetime | None
    undone: int
    kept: int
    s_since_end: float | None

    @property
    def is_open(self) -> bool:
        """Return True if the operation is waiting or running."""
        return self.state in ("waiting", "running")

    @property
    def is_unfinished(self) -> bool:
        """Return True if consumers still have to carry out the operation or to undo it."""
        return self.is_open or self.state == "undoing"

    @property
    def is_under_way(self) -> bool:
        """Return True if rows of the operation are being changed now."""
        return self.state in ("running", "undoing")

    @property
    def looked_at(self) -> int:
        """Return the number of rows that the operation has reached."""
        return self.done + self.refused

    @property
    def left(self) -> int | None:
        """Return about how many rows are left, or None when nobody has counted them."""
        if not self.is_open:
            return 0
        return None if self.expected is None else max(self.expected - self.looked_at, 0)

    @property
    def percent(self) -> int | None:
        """Return the progress of the operation, or of its undo, in percent; None without a count."""
        if self.state == "undoing":
            return 100 * (self.undone + self.kept) // max(self.done, 1)
        if not self.is_open:
            return 100
        return 100 * self.looked_at // max(self.expected, 1) if self.expected else None


@dataclass(frozen=True)
class ResultEntry:
    """What an operation did to one job or dead letter; the facts are stored as translatable texts."""

    number: int
    job_id: uuid.UUID | None
    dead_letter_id: int | None
    is_done: bool
    fact: dict[str, Any] | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    is_undone: bool | None
    undo_fact: dict[str, Any] | None

    @property
    def id(self) -> int:
        """Return the number of the result in the list."""
        return self.number

    @property
    def reason(self) -> Translatable | None:
        """Return why the verb was not done, or not undone."""
        kept = self.fact or self.undo_fact
        return Translatable.of_kept(kept) if kept else None


def operations_page(session: Reader, cursor: PageCursor) -> Page[OperationEntry]:
    """Return a page of operations, newest first."""
    return read_page(session, _entries(), key=Operation.id, cursor=cursor, entry=OperationEntry)


def find_operation(session: Reader, operation_id: int) -> OperationEntry | None:
    """Return one operation, or None when it does not exist."""
    row = session.execute(_entries().where(Operation.id == operation_id)).first()
    return OperationEntry(**row._mapping) if row else None


def results_page(
    session: Reader, operation_id: int, cursor: PageCursor, *, done: bool | None = None
) -> Page[ResultEntry]:
    """Return a page of what an operation did, the last first; `done` selects what was done or rejected.

    Index: operation_result_pkey, operation_result_refused.
    """
    question = _results().where(OperationResult.operation_id == operation_id)
    if done is not None:
        question = question.where(OperationResult.is_done if done else ~OperationResult.is_done)
    return read_page(
        session, question, key=OperationResult.number, cursor=cursor, entry=ResultEntry
    )


def is_anybody_there(session: Reader) -> bool:
    """Return True if a consumer is alive that would carry operations out."""
    live = "SELECT EXISTS (SELECT FROM worker WHERE state IN ('running', 'quiet') AND lease_until > now())"
    return bool(session.execute(text(live)).scalar_one())


def _entries() -> Select[Any]:
    names = [name for name in OperationEntry.__dataclass_fields__ if name != "s_since_end"]
    since_end = func.extract("epoch", func.clock_timestamp() - Operation.finished_at)
    return select(*(getattr(Operation, name) for name in names), since_end.label("s_since_end"))


def _results() -> Select[Any]:
    return select(*(getattr(OperationResult, name) for name in ResultEntry.__dataclass_fields__))
