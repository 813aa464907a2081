"""The sentences that tell an operator why an operation was neither aborted nor undone."""

from __future__ import annotations

from tasks.engine.phrase import Phrase
from tasks.engine.queries.operation_facts import OperationFact
from tasks.engine.refusal import CHANGING, ago

NO_OPERATION = Phrase("No operation %(id)s exists.")
NOT_ABORTED = Phrase("Operation %(id)s cannot be aborted: %(reason)s.")
NOT_UNDONE = Phrase("Operation %(id)s cannot be undone: %(reason)s.")
FOR_GOOD = Phrase("what it did cannot be taken back")
DID_NOTHING = Phrase("it changed nothing")
TOO_LATE = Phrase("it ended %(ago)s ago, and %(window)s s are allowed")
ABORT_FIRST = Phrase("it is not over. Abort it first")
FINISHED = Phrase("it finished %(ago)s ago")
ABORTED = Phrase("it was aborted %(ago)s ago")
UNDONE = Phrase("%(who)s has undone it")


def of_abort(id_: int, fact: OperationFact | None) -> Phrase:
    """Why an operation was not aborted."""
    if fact is None:
        return NO_OPERATION.about(id=id_)
    return NOT_ABORTED.about(id=id_, reason=_end(fact))


def of_undo(id_: int, fact: OperationFact | None, *, is_undoable: bool, window_s: float) -> Phrase:
    """Why an operation was not undone; `is_undoable` says whether its verb can be."""
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


def _end(fact: OperationFact) -> Phrase:
    if fact.undone_by is not None:
        return UNDONE.about(who=fact.undone_by)
    if fact.ended_s_ago is None:
        return CHANGING
    return (ABORTED if fact.state == "aborted" else FINISHED).about(ago=ago(fact.ended_s_ago))
