"""The verbs of operations, each with the states that it takes and what it changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mahaam.core.errors import TurnedIntoFailure
from mahaam.core.ids import new_id
from mahaam.enqueuing.enqueue import enqueue_with
from mahaam.jobs.notice import Notice, QueueMember
from mahaam.jobs.outcome import Failure
from mahaam.jobs.states import FINAL, MOVES, WAITING, Event, State
from mahaam.operations import inputs, store
from mahaam.operations.edit import own_options
from mahaam.operations.inputs import Input, Parameters
from mahaam.operations.store import LockedOperation
from mahaam.postgres.database import Cursor
from mahaam.redaction.redact import masked_failure
from mahaam.store.actions import (
    arguments,
    cancel,
    remove,
    requeue,
    reschedule,
    stops,
    triage,
    turn_failed,
)
from mahaam.store.actions.requeue import Requeued
from mahaam.store.actions.reschedule import ChangedJob

JOB, LETTER = "job", "dead_letter"
NOTIFY, NOTIFY_QUEUE = "mahaam.alerts.tasks.notify_dead_letters", "notifications"


@dataclass(slots=True)
class Applied:
    """The ids that a verb was done to, and what Redis may forget and must be sent after the commit.

    `made` has the new job of each, where the verb makes jobs. `state` is the state of the jobs
    afterwards, where the verb cannot be undone and thus does not read them again.
    """

    ids: set[Any]
    silenced: list[QueueMember] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    made: dict[str, str] = field(default_factory=dict)
    state: str | None = None

    def add(self, other: Applied) -> None:
        """Add what was applied to another batch."""
        self.ids |= other.ids
        self.silenced += other.silenced
        self.notices += other.notices
        self.made |= other.made


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb, done to a batch of ids in the transaction of a cursor.

    `participle` is the word for it in rejections. `columns` are what it changes and undo restores
    while the row is in `left_in`; without them it cannot be undone. Of the inputs in `one_of`
    exactly one must be given. `closed_to` are the marks of dead letters that it does not take.
    """

    kind: str
    participle: str
    sources: frozenset[str]
    apply: Callable[[Cursor, list[Any], LockedOperation], Applied]
    columns: tuple[str, ...] = ()
    left_in: frozenset[str] = frozenset()
    inputs: tuple[Input, ...] = ()
    one_of: tuple[str, ...] = ()
    closed_to: tuple[str, ...] = ()

    @property
    def seen(self) -> tuple[str, ...]:
        """Return the columns that are recorded of a row before the verb changes it."""
        own = ("state",) if self.kind == JOB else ("reprocessed_at", "resolved_at")
        return tuple(dict.fromkeys((*own, *self.columns)))

    def check(self, given: Parameters) -> dict[str, Any]:
        """Return the inputs ready to be stored as JSON. Raises OptionNotValid, UnknownQueue."""
        values = inputs.checked(self.inputs, given)
        if self.one_of:
            inputs.one_of(values, *self.one_of)
        return values

    @property
    def is_undoable(self) -> bool:
        """Return True if an operation of this verb can be undone."""
        return bool(self.columns)


def _retry(cursor: Cursor, ids: list[str], work: LockedOperation) -> Applied:
    spread_s = work.parameters.get("spread_s")
    applied = _requeued(requeue.retry(cursor, ids, by=work.by, spread_s=spread_s))
    applied.state = State.SCHEDULED if spread_s else State.QUEUED
    return applied


def _reprocess(cursor: Cursor, ids: list[int], work: LockedOperation) -> Applied:
    moved = requeue.reprocess(cursor, ids, by=work.by, spread_s=work.parameters.get("spread_s"))
    applied = _requeued(moved)
    applied.ids = {letter for job in moved for letter in job.letters} & set(ids)
    return applied


def _requeued(moved: Sequence[Requeued]) -> Applied:
    return Applied({job.id for job in moved}, notices=[job.ring for job in moved if job.ring])


def _cancel(cursor: Cursor, ids: list[str], _work: LockedOperation) -> Applied:
    cancelled = cancel.cancel(cursor, ids)
    silenced: list[QueueMember] = [*cancelled.jobs]
    return Applied({job.id for job in cancelled.jobs}, silenced, cancelled.following)


def _stop(cursor: Cursor, ids: list[str], work: LockedOperation) -> Applied:
    return Applied(set(stops.ask(cursor, ids, by=work.by)), state="stopping")


def _promote(cursor: Cursor, ids: list[str], _work: LockedOperation) -> Applied:
    return _changed(reschedule.promote(cursor, ids))


def _reschedule(cursor: Cursor, ids: list[str], work: LockedOperation) -> Applied:
    at = work.parameters.get("run_at")
    run_at = datetime.fromisoformat(at) if at else None
    delay_s = work.parameters.get("delay_s")
    return _changed(reschedule.reschedule(cursor, ids, run_at=run_at, delay_s=delay_s))


def _set_priority(cursor: Cursor, ids: list[str], work: LockedOperation) -> Applied:
    return _changed(reschedule.set_priority(cursor, ids, priority=work.parameters["priority"]))


def _move(cursor: Cursor, ids: list[str], work: LockedOperation) -> Applied:
    return _changed(reschedule.move(cursor, ids, queue=work.parameters["queue"]))


def _changed(changed: Sequence[ChangedJob]) -> Applied:
    notices = [job.notice for job in changed if job.notice]
    return Applied({job.id for job in changed}, [job.notice_before for job in changed], notices)


def _duplicate(cursor: Cursor, ids: list[str], work: LockedOperation) -> Applied:
    originals = arguments.read(cursor, ids)
    copies = {new_id(): original for original in originals}
    options = [own_options(original.options) for original in originals]
    notices = arguments.copy(cursor, copies, options, by=work.by)
    made = {copies[ring.id].id: ring.id for ring in notices}
    return Applied(set(made), notices=notices, made=made)


def _fail(cursor: Cursor, ids: list[str], work: LockedOperation) -> Applied:
    cycle_result = turn_failed.turn(cursor, ids, _failure_by(work.by, work.reason))
    return Applied(set(cycle_result), state=State.FAILED)


def _failure_by(who: str, reason: str | None) -> Failure:
    """Return the failure of a job that `who` marked as failed."""
    why = f": {reason}" if reason else ""
    return masked_failure(
        Failure.told(TurnedIntoFailure(f"Turned into a failure by {who}{why}")), None
    )


def _clean(cursor: Cursor, ids: list[str], work: LockedOperation) -> Applied:
    at = work.parameters.get("ended_before")
    before = datetime.fromisoformat(at) if at else None
    return Applied(set(remove.remove_ended(cursor, ids, before=before)))


def _resolve(cursor: Cursor, ids: list[int], work: LockedOperation) -> Applied:
    note = work.parameters.get("note")
    return Applied(set(triage.resolve(cursor, ids, by=work.by, note=note)))


def _assign(cursor: Cursor, ids: list[int], work: LockedOperation) -> Applied:
    return Applied(set(triage.assign(cursor, ids, owner=work.parameters.get("owner"))))


def _annotate(cursor: Cursor, ids: list[int], work: LockedOperation) -> Applied:
    note = work.parameters["note"]
    return Applied(set(triage.annotate(cursor, ids, by=work.by, note=note)))


def _notify(cursor: Cursor, ids: list[int], work: LockedOperation) -> Applied:
    """Write one message about all of an operation, with its first batch."""
    triage.mark_notified(cursor, ids)
    if work.done + work.refused:
        return Applied(set(ids))
    count = store.expected(cursor, work.id)
    return Applied(
        set(ids), notices=[enqueue_with(cursor, NOTIFY, (ids, count), created_by=work.by)]
    )


RETRYABLE = frozenset(MOVES[Event.RETRIED])
CHANGEABLE = frozenset(MOVES[Event.CHANGED])

ACTS = {
    "retry": Verb(JOB, "retried", RETRYABLE, _retry, inputs=(inputs.SPREAD,)),
    "cancel": Verb(
        JOB, "cancelled", WAITING, _cancel, ("state", "finished_at"), frozenset({State.CANCELLED})
    ),
    "stop": Verb(JOB, "stopped", frozenset({State.RUNNING}), _stop),
    "promote": Verb(
        JOB, "promoted", frozenset(MOVES[Event.PROMOTED]), _promote,
        ("state", "queued_at", "run_at"), frozenset({State.QUEUED}),
    ),
    "reschedule": Verb(
        JOB, "rescheduled", frozenset(MOVES[Event.RESCHEDULED]), _reschedule,
        ("state", "queued_at", "run_at"), frozenset({State.SCHEDULED, State.RETRYING}),
        inputs=(inputs.RUN_AT, inputs.DELAY), one_of=("run_at", "delay_s"),
    ),
    "set_priority": Verb(
        JOB, "given a priority", CHANGEABLE, _set_priority, ("priority",), CHANGEABLE,
        inputs=(inputs.PRIORITY,),
    ),
    "move": Verb(
        JOB, "moved", CHANGEABLE, _move, ("queue",), CHANGEABLE, inputs=(inputs.QUEUE,),
    ),
    "duplicate": Verb(JOB, "duplicated", frozenset(State), _duplicate),
    "fail": Verb(JOB, "turned into failed", frozenset(MOVES[Event.TURNED]), _fail),
    "clean": Verb(JOB, "removed", FINAL, _clean, inputs=(inputs.ENDED_BEFORE,)),
    "reprocess": Verb(
        LETTER, "reprocessed", RETRYABLE, _reprocess, inputs=(inputs.SPREAD,),
        closed_to=("resolved", "reprocessed"),
    ),
    "resolve": Verb(
        LETTER, "resolved", frozenset(), _resolve,
        ("resolved_at", "resolved_by", "resolution_note"), inputs=(inputs.NOTE,),
        closed_to=("resolved",),
    ),
    "assign": Verb(
        LETTER, "assigned", frozenset(), _assign, ("owner",), inputs=(inputs.OWNER,),
    ),
    "notify": Verb(LETTER, "notified", frozenset(), _notify),
    "annotate": Verb(LETTER, "annotated", frozenset(), _annotate, inputs=(inputs.SOME_NOTE,)),
}  # fmt: skip
