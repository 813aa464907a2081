"""Bulk work: a verb for some jobs at once, or for all that match a filter, batch by batch.

A batch, its results and the operation's cursor are committed together. A consumer that is killed
leaves the operation as its last batch left it, and any other consumer continues from there.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from psycopg2.errors import UniqueViolation

from mahaam.audit import record
from mahaam.audit.record import AuditRecord
from mahaam.core.errors import DatabaseUnavailable
from mahaam.core.payload import clean
from mahaam.core.translatable import Translatable
from mahaam.core.verb_result import LARGEST_ID, VerbResult
from mahaam.operations import batch, rejection, selection, store
from mahaam.operations.facts import operation_fact
from mahaam.operations.selection import Selection
from mahaam.operations.store import LockedOperation
from mahaam.operations.undo import undo_chunk
from mahaam.operations.verbs import ACTS, JOB, Applied, Verb
from mahaam.postgres import database, watermarks
from mahaam.postgres.database import Cursor
from mahaam.queries import rejection_text

log = logging.getLogger("mahaam.operations")

AT_ONCE = 500  # the number that is done while the person waits
CHUNK = 1000
REASON_LIMIT_BYTES = 500
# A batch never waits long for a lock: it is given up and done again later. A batch whose process is
# frozen or dead must not hold its rows: PostgreSQL checks every second whether the client of a
# statement still exists, and ends a statement that takes fifty times what a batch may.
PATIENCE = """
SET LOCAL lock_timeout = '500ms'; SET LOCAL statement_timeout = '15s';
SET LOCAL idle_in_transaction_session_timeout = '5s'; SET LOCAL client_connection_check_interval = '1s'
"""


class ChunkGivenUp(DatabaseUnavailable):
    """A batch of an operation that could not be done now; nothing of it was done."""

    def __init__(self, operation_id: int, message: str) -> None:
        super().__init__(message)
        self.operation_id = operation_id


@dataclass(frozen=True, slots=True)
class OperationRequest:
    """The verb that somebody requests, and the reason; `parameters` are those of the verb."""

    verb: str
    by: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    reason: str | None = None

    @property
    def act(self) -> Verb:
        """Return the verb."""
        return ACTS[self.verb]

    def checked(self) -> dict[str, Any]:
        """Return the columns of the operation. Raises OptionNotValid, UnknownQueue."""
        return {
            "kind": self.act.kind,
            "verb": self.verb,
            "parameters": self.act.check(self.parameters),
            "reason": clean(self.reason, REASON_LIMIT_BYTES) if self.reason else None,
            "created_by": self.by,
        }


def apply(
    verb: str,
    ids: Iterable[UUID] | Iterable[int],
    *,
    by: str,
    reason: str | None = None,
    **inputs: Any,
) -> VerbResult:
    """Do a verb to these jobs or dead letters now. Return the result for each.

    `inputs` are those of the verb, such as `priority=5`. Raises OptionNotValid, UnknownQueue,
    DatabaseUnavailable.
    """
    order, named = OperationRequest(verb, by, inputs, reason), list(ids)
    order.checked()
    return carry_out(order, named) if named else VerbResult()  # type: ignore[arg-type]  # of one kind


def carry_out(
    order: OperationRequest, ids: Sequence[UUID] | Sequence[int], *, wanted: Selection | None = None
) -> VerbResult:
    """Do the verb to these ids now, in one transaction.

    `wanted` is the filter that the ids were found by. Raises OptionNotValid, UnknownQueue,
    DatabaseUnavailable.
    """
    values = order.checked() | {"until": None, "expected": len(ids)}
    values["filter"] = None if wanted is None else selection.kept(wanted)
    keys = _keys(order.act, ids)
    while True:
        try:
            work, applied, facts = database.transact(
                partial(_carried_out, values=values, keys=keys)
            )
            break
        except UniqueViolation:
            continue  # a job with the same dedupe key was just enqueued; the next try sees it
    batch.ring(applied)
    _log_outcome(work, done=len(applied.ids), refused=len(facts))
    return _verb_result(work.id, order.act, ids, applied, facts)


def _carried_out(
    cursor: Cursor, *, values: Mapping[str, Any], keys: list[Any]
) -> tuple[LockedOperation, Applied, dict[Any, Translatable]]:
    work = store.lock(cursor, store.make(cursor, **values))
    assert work is not None, "it was made in this transaction"
    return work, *_all(cursor, work, keys)


def _all(
    cursor: Cursor, work: LockedOperation, keys: list[Any]
) -> tuple[Applied, dict[Any, Translatable]]:
    whole, facts = Applied(set()), dict[Any, Translatable]()
    for place in range(0, len(keys) or 1, CHUNK):
        applied, refused = batch.do(cursor, work, keys[place : place + CHUNK])
        done, is_last = len(applied.ids), place + CHUNK >= len(keys)
        store.advance(cursor, work, next_=None, done=done, refused=len(refused), is_last=is_last)
        work = work._replace(done=work.done + done, refused=work.refused + len(refused))
        whole.add(applied)
        facts |= refused
    return whole, facts


def start(
    order: OperationRequest,
    wanted: Selection,
    *,
    until: str | None = None,
    expected: int | None = None,
) -> int:
    """Let consumers do the verb to all that match and are not newer than `until` (None: than now).

    Return the operation's id. Raises OptionNotValid, UnknownQueue, DatabaseUnavailable.
    """
    values = order.checked() | {"filter": selection.kept(wanted), "expected": expected}
    with database.transaction() as cursor:
        values["until"] = _top(cursor, order.act, until)
        if order.verb == "clean":  # jobs that end while the operation runs were not in the preview
            ended_before = watermarks.now(cursor).isoformat()
            values["parameters"] = {"ended_before": ended_before} | values["parameters"]
        id_ = store.make(cursor, **values)
        record.tell(cursor, _begun(order, id_, values))
        return id_


def abort(operation_id: int, *, by: str) -> Translatable | None:
    """End an operation after the batch that is under way. Return the reason if that is not possible."""
    with database.transaction() as cursor:
        if store.abort(cursor, operation_id, by=by):
            record.tell(
                cursor,
                AuditRecord(actor=by, verb="abort", kind="operation", targets=[str(operation_id)]),
            )
            log.info("Operation aborted. operation=%s by=%s", operation_id, by)
            return None
        return rejection.of_abort(operation_id, operation_fact(cursor, operation_id))


def _begun(order: OperationRequest, id_: int, values: dict[str, Any]) -> AuditRecord:
    return AuditRecord(
        actor=order.by,
        verb=order.verb,
        kind="operation",
        targets=[str(id_)],
        filter=values["filter"],
        after={"expected": values["expected"], **values["parameters"]},
        reason=values["reason"],
    )


def newest(cursor: Cursor, act: Verb) -> str | None:
    """Return the newest id of the rows that `act` applies to."""
    if act.kind == JOB:
        return watermarks.newest_job(cursor)
    return str(watermarks.newest_letter(cursor))


def find(order: OperationRequest, wanted: Selection, *, until: str | None) -> list[Any] | None:
    """Return the ids that the request is about, none newer than `until` (None: than now).

    Return None when there are more than AT_ONCE, or when finding them takes long. Raises
    DatabaseUnavailable.
    """
    with database.transaction() as cursor:
        top = _top(cursor, order.act, until)
        found = selection.first(cursor, order.act, wanted, top=top, limit=AT_ONCE + 1)
    if found.cursor is not None or len(found.ids) > AT_ONCE:
        return None
    return [UUID(key) for key in found.ids] if order.act.kind == JOB else found.ids


def work_on_next(*, chunk: int | None = None, but: Sequence[int] = ()) -> bool:
    """Do a batch of the oldest operation that nobody works at. Return True if there was one.

    `chunk` is the largest size of the batch (None: CHUNK); the operations in `but` are left alone.

    Raises ChunkGivenUp when another transaction holds a row for too long, DatabaseUnavailable.
    """
    work: LockedOperation | None = None
    try:
        with database.transaction() as cursor:
            cursor.execute(PATIENCE)
            work = store.take(cursor, but=but)
            if work is None:
                return False
            applied = carry_on(cursor, work, limit=chunk)
    except UniqueViolation:
        return True
    except DatabaseUnavailable as fault:
        if work is None:
            raise
        raise ChunkGivenUp(work.id, str(fault)) from fault
    except Exception as fault:  # what cannot be done must not be tried for ever
        if work is None:
            raise
        log.exception("An operation cannot go on; it is aborted. operation=%s", work.id)
        _give_up(work, fault)
        return True
    batch.ring(applied)
    return True


def carry_on(cursor: Cursor, work: LockedOperation, *, limit: int | None = None) -> Applied:
    """Do or undo the next batch of a locked operation, with at most `limit` jobs or dead letters."""
    if work.state == "undoing":
        return undo_chunk(cursor, work, limit=limit)
    return _next_batch(cursor, work, limit=limit or CHUNK)


def _next_batch(cursor: Cursor, work: LockedOperation, *, limit: int) -> Applied:
    act = ACTS[work.verb]
    wanted = selection.read_back(act, work.filter or {})
    left = work.parameters.get("most", math.inf) - work.done - work.refused
    limit = min(limit, int(left)) if left < limit else limit
    next_ = selection.step(cursor, act, wanted, top=work.until, after=work.cursor, limit=limit)
    applied, facts = batch.do(cursor, work, _not_met_before(cursor, act, work, next_.ids))
    done, is_last = len(applied.ids), next_.cursor is None or len(next_.ids) >= left
    store.advance(cursor, work, next_=next_.cursor, done=done, refused=len(facts), is_last=is_last)
    if is_last:
        _log_outcome(work, done=work.done + done, refused=work.refused + len(facts))
    return applied


def _not_met_before(cursor: Cursor, act: Verb, work: LockedOperation, ids: list[Any]) -> list[Any]:
    """Return `ids` without those that were done: a job may change its state and be selected again."""
    if act.kind != JOB:
        return ids
    done = store.already_done(cursor, work.id, ids)
    return [id_ for id_ in ids if id_ not in done]


def _keys(act: Verb, ids: Sequence[UUID] | Sequence[int]) -> list[Any]:
    """Return each id once, as rows have it, in the order in which every store locks rows."""
    once = set(ids)
    if act.kind == JOB:
        return sorted(str(id_) for id_ in once)
    return sorted(id_ for id_ in once if isinstance(id_, int) and 0 < id_ <= LARGEST_ID)


def _verb_result(
    operation_id: int,
    act: Verb,
    ids: Sequence[UUID] | Sequence[int],
    applied: Applied,
    facts: dict[Any, Translatable],
) -> VerbResult:
    key_of = {id_: str(id_) if act.kind == JOB else id_ for id_ in ids}
    return VerbResult(
        tuple(id_ for id_, key in key_of.items() if key in applied.ids),
        {
            id_: facts.get(key)
            or rejection_text.NO_LETTER.about(id=str(id_))  # no row has such a number
            for id_, key in key_of.items()
            if key not in applied.ids
        },
        {UUID(old): UUID(new) for old, new in applied.made.items()},
        operation_id,
    )


def _top(cursor: Cursor, act: Verb, until: str | None) -> str | None:
    """Return the newest id to be touched: `until`, but no id that does not exist yet."""
    top = newest(cursor, act)
    if until is None or top is None:
        return top
    if act.kind == JOB:
        return str(min(UUID(until), UUID(top)))
    return str(min(int(until), int(top)))


def _give_up(work: LockedOperation, fault: Exception) -> None:
    line = f"{type(fault).__name__}: {fault}".splitlines()[0]
    words = clean(line, REASON_LIMIT_BYTES)
    with database.transaction() as cursor:
        store.abort(cursor, work.id, by=None, fault=words)
        store.end_undo(cursor, work.id, fault=words)


def _log_outcome(work: LockedOperation, *, done: int, refused: int) -> None:
    log.info(
        "Operation finished. operation=%s verb=%s done=%s refused=%s by=%s",
        work.id,
        work.verb,
        done,
        refused,
        work.by,
    )
