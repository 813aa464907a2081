"""One batch of an operation: the verb, and a record of its result for each job."""

from __future__ import annotations

from typing import Any

from mahaam.audit import record
from mahaam.audit.record import AuditRecord
from mahaam.core.translatable import Translatable
from mahaam.enqueuing import accept
from mahaam.operations import store
from mahaam.operations.store import LockedOperation, RowSnapshot
from mahaam.operations.verbs import ACTS, JOB, Applied, Verb
from mahaam.postgres.by_key import reach_rows_by_key
from mahaam.postgres.database import Cursor
from mahaam.queries import rejection_text, rejections

Rows = dict[Any, RowSnapshot]


def do(
    cursor: Cursor, work: LockedOperation, ids: list[Any]
) -> tuple[Applied, dict[Any, Translatable]]:
    """Do the verb to a batch and record the result for each id.

    Return what was applied, and the reason for each id that the verb left alone.
    """
    if not ids:
        return Applied(set()), {}
    reach_rows_by_key(cursor)
    act = ACTS[work.verb]
    # Only what undo restores must be exactly what the verb found; a lock costs as much as a write.
    before = store.look(cursor, act.kind, ids, act.seen, lock=act.is_undoable)
    applied = act.apply(cursor, [id_ for id_ in ids if id_ in before], work)
    after = (
        store.look(cursor, act.kind, list(applied.ids), act.columns, lock=False)
        if act.is_undoable
        else {}
    )
    facts = _facts(cursor, act, [id_ for id_ in ids if id_ not in applied.ids])
    store.note(
        cursor,
        work,
        [
            {
                "job_id": id_ if act.kind == JOB else before[id_].job_id if id_ in before else None,
                "dead_letter_id": None if act.kind == JOB else id_,
                "fact": facts[id_].kept() if id_ in facts else None,
                "before": before[id_].columns if id_ in before else None,
                "after": after[id_].columns if id_ in after else _made(applied, id_),
            }
            for id_ in ids
        ],
    )
    done = [id_ for id_ in ids if id_ in applied.ids]
    if done:
        record.tell(cursor, _event(work, act, done, before, after, applied))
    return applied, facts


def ring(applied: Applied) -> None:
    """Tell Redis what is committed: forget first, so that a new priority is taken."""
    if applied.silenced:
        accept.forget(applied.silenced)
    if applied.notices:
        accept.ring(applied.notices)


def _event(
    work: LockedOperation, act: Verb, done: list[Any], before: Rows, after: Rows, applied: Applied
) -> AuditRecord:
    old = _columns(before, done)
    new = _columns(after, done) if act.is_undoable else {}
    new |= {"state": applied.state} if applied.state else {}
    new |= {"made": applied.made} if applied.made else {}
    return AuditRecord(
        actor=work.by,
        verb=work.verb,
        kind=act.kind,
        targets=[str(id_) for id_ in done],
        before={name: value for name, value in old.items() if name in new or name == "state"},
        after=new | {"operation": work.id},
        reason=work.reason,
    )


def _columns(rows: Rows, ids: list[Any]) -> dict[str, Any]:
    """Return each column with the value that all rows have in common, else with the values by id."""
    known = {id_: rows[id_].columns for id_ in ids if id_ in rows}
    names = dict.fromkeys(name for columns in known.values() for name in columns)
    return {
        name: record.shared({str(id_): columns.get(name) for id_, columns in known.items()})
        for name in names
    }


def _made(applied: Applied, id_: Any) -> dict[str, str] | None:
    return {"job": applied.made[id_]} if id_ in applied.made else None


def _facts(cursor: Cursor, act: Verb, left: list[Any]) -> dict[Any, Translatable]:
    """Return why the verb left each of these rows alone, as this transaction sees them."""
    if not left:
        return {}
    if act.kind == JOB:
        jobs = rejections.job_facts(cursor, left)
        return {
            id_: rejection_text.of_job(id_, jobs.get(id_), act.participle, sources=act.sources)
            for id_ in left
        }
    letters = rejections.letter_facts(cursor, left)
    jobs = rejections.job_facts(cursor, sorted({letter.job_id for letter in letters.values()}))
    return {
        id_: rejection_text.of_letter(
            id_, letters.get(id_), act.participle, jobs=jobs, sources=act.sources
        )
        for id_ in left
    }
