"""The sentences that tell an operator why an operation was neither aborted nor undone."""

from __future__ import annotations

from mahaam.core.translatable import Translatable
from mahaam.operations.facts import OperationFact
from mahaam.queries.rejection_text import CHANGING, ago

NO_OPERATION = Translatable("No operation %(id)s exists.")
NOT_ABORTED = Translatable("Operation %(id)s cannot be aborted: %(reason)s.")
NOT_UNDONE = Translatable("Operation %(id)s cannot be undone: %(reason)s.")
FOR_GOOD = Translatable("what it did cannot be taken back")
DID_NOTHING = Translatable("it changed nothing")
TOO_LATE = Translatable("it ended %(ago)s ago, and %(window)s s are allowed")
ABORT_FIRST = Translatable("it is not over. Abort it first")
FINISHED = Translatable("it finished %(ago)s ago")
ABORTED = Translatable("it was aborted %(ago)s ago")
UNDONE = Translatable("%(who)s has undone it")


def of_abort(id_: int, fact: OperationFact | None) -> Translatable:
    """Return why an operation was not aborted."""
    if fact is None:
        return NO_OPERATION.about(id=id_)
    return NOT_ABORTED.about(id=id_, reason=_end(fact))


def of_undo(
    id_: int, fact: OperationFact | None, *, is_undoable: bool, window_s: float
) -> Translatable:
    """Return why an operation was not undone; `is_undoable` says whether its verb can be."""
    if fact is None:
        return NO_OPERATION.about(id=id_)
    if fact.undone_by is not None:
        reason = UNDONE.about(who=fact.undone_by)
    elif not is_undoable:
        reason = FOR_GOOD
    elif fact.ended_s_ago is None:
        reason = ABORT_FIRST
    elif not fact.done:
        reason = DID_NOTHING
    elif fact.ended_s_ago > window_s:
        reason = TOO_LATE.about(ago=ago(fact.ended_s_ago), window=f"{window_s:g}")
    else:
        reason = CHANGING
    return NOT_UNDONE.about(id=id_, reason=reason)


def _end(fact: OperationFact) -> Translatable:
    if fact.undone_by is not None:
        return UNDONE.about(who=fact.undone_by)
    if fact.ended_s_ago is None:
        return CHANGING
    return (ABORTED if fact.state == "aborted" else FINISHED).about(ago=ago(fact.ended_s_ago))
