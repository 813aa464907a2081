"""Undo of an operation, for rows that nothing has changed since."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from psycopg2.errors import UniqueViolation

from mahaam.audit import record
from mahaam.audit.record import AuditRecord
from mahaam.core.errors import PayloadBroken
from mahaam.core.payload import load
from mahaam.core.translatable import Translatable
from mahaam.jobs import derive_follow_ups
from mahaam.live_settings import current
from mahaam.operations import batch, rejection, store, undo_store
from mahaam.operations.facts import operation_fact
from mahaam.operations.store import LockedOperation, UndoEntry
from mahaam.operations.verbs import ACTS, JOB, Applied, Verb
from mahaam.postgres import database
from mahaam.postgres.by_key import reach_rows_by_key
from mahaam.postgres.database import Cursor
from mahaam.queries import rejection_text as refusal
from mahaam.queries import rejections

log = logging.getLogger("mahaam.operations")

CHUNK = 500
AT_ONCE = 500  # the number that is undone while the person waits


class UndoResult(NamedTuple):
    """How many rows were restored and how many could not be; `refusal` says why nothing was even tried.

    While `is_over` is false, consumers continue the undo.
    """

    refusal: Translatable | None = None
    undone: int = 0
    kept: int = 0
    is_over: bool = True


def undo(operation_id: int, *, by: str) -> UndoResult:
    """Restore what an operation changed, where the rows still are as it left them.

    Possible for UNDO_WINDOW_S seconds after its end. Raises DatabaseUnavailable.
    """
    while True:
        try:
            with database.transaction() as cursor:
                answer, applied = _begin(cursor, operation_id, by=by)
            break
        except UniqueViolation:
            continue  # a job with the same dedupe key was just enqueued; the next try sees it
    for part in applied:
        batch.ring(part)
    return answer


def undo_chunk(cursor: Cursor, work: LockedOperation, *, limit: int | None = None) -> Applied:
    """Undo the next results of an operation, and record the reason for each that cannot be undone.

    `limit` is how many at most (None: CHUNK).
    """
    reach_rows_by_key(cursor)
    act = ACTS[work.verb]
    last = min(work.undo_cursor + (limit or CHUNK), work.done + work.refused)
    entries = store.done_in(cursor, work, last=last)
    knowing = _known_to_chords(cursor, entries) if work.verb == "cancel" else set()
    free = [done for done in entries if done.job_id not in knowing]
    went = _give_back(cursor, act, work, free)
    left = {done.number: _key(act, done) for done in entries if _key(act, done) not in went.ids}
    reasons = _reasons(cursor, act, list(left.values()), knowing) if left else {}
    facts = {
        done.number: reasons[left[done.number]].kept() if done.number in left else None
        for done in entries
    }
    store.note_undo(cursor, work, facts, last=last)
    return Applied(set(went.ids), [*went.silenced], went.notices)


def _begin(cursor: Cursor, operation_id: int, *, by: str) -> tuple[UndoResult, list[Applied]]:
    window_s = current.value("undo_window_s")
    fact = operation_fact(cursor, operation_id)
    is_undoable = fact is not None and ACTS[fact.verb].is_undoable
    if not is_undoable or not store.begin_undo(cursor, operation_id, by=by, window_s=window_s):
        reason = rejection.of_undo(operation_id, fact, is_undoable=is_undoable, window_s=window_s)
        return UndoResult(reason), []
    record.tell(
        cursor, AuditRecord(actor=by, verb="undo", kind="operation", targets=[str(operation_id)])
    )
    log.info("Operation is undone. operation=%s by=%s", operation_id, by)
    work = store.lock(cursor, operation_id)
    assert work is not None, "it was changed in this transaction"
    applied = []
    while work.state == "undoing" and work.done <= AT_ONCE:
        applied.append(undo_chunk(cursor, work))
        work = store.lock(cursor, operation_id)
        assert work is not None
    return UndoResult(None, work.undone, work.kept, work.state == "undone"), applied


def _give_back(
    cursor: Cursor, act: Verb, work: LockedOperation, entries: Sequence[UndoEntry]
) -> undo_store.Restored:
    if act.kind == JOB:
        states = sorted(act.left_in)
        return undo_store.jobs(cursor, work.id, entries, columns=act.columns, states=states)
    return undo_store.letters(cursor, work.id, entries, columns=act.columns)


def _known_to_chords(cursor: Cursor, entries: Sequence[UndoEntry]) -> set[str]:
    """Return the cancelled jobs whose end a chord has recorded.

    The chord counts them as ended for good.
    """
    options_by_id = undo_store.options(cursor, [done.job_id for done in entries])
    return {id_ for id_, options in options_by_id.items() if _counts_in_chord(id_, options)}


def _counts_in_chord(job_id: str, options: str) -> bool:
    try:
        return bool(derive_follow_ups.arrival(job_id, load(options), "null"))
    except (PayloadBroken, KeyError, TypeError):
        return False  # no task followed, either


def _reasons(
    cursor: Cursor, act: Verb, keys: list[Any], knowing: Collection[str]
) -> dict[Any, Translatable]:
    if act.kind == JOB:
        jobs = rejections.job_facts(cursor, keys)
        return {
            id_: refusal.of_job_undo(
                id_, jobs.get(id_), left_in=act.left_in, chord_knows=id_ in knowing
            )
            for id_ in keys
        }
    letters = rejections.letter_facts(cursor, keys)
    return {id_: refusal.of_letter_undo(id_, letters.get(id_)) for id_ in keys}


def _key(act: Verb, done: UndoEntry) -> Any:
    return done.job_id if act.kind == JOB else done.dead_letter_id
