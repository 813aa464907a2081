"""The sentences that tell an operator why a verb left a job or a dead letter as it was."""

from __future__ import annotations

from collections.abc import Collection

from mahaam.core.translatable import Translatable
from mahaam.jobs.states import State
from mahaam.queries.rejections import JobFact, LetterFact, PauseFact

# By verb.
JOB = {
    "retried": Translatable("Job %(id)s cannot be retried: %(reason)s."),
    "cancelled": Translatable("Job %(id)s cannot be cancelled: %(reason)s."),
    "stopped": Translatable("Job %(id)s cannot be stopped: %(reason)s."),
    "promoted": Translatable("Job %(id)s cannot be promoted: %(reason)s."),
    "rescheduled": Translatable("Job %(id)s cannot be rescheduled: %(reason)s."),
    "given a priority": Translatable("Job %(id)s cannot be given another priority: %(reason)s."),
    "moved": Translatable("Job %(id)s cannot be moved: %(reason)s."),
    "edited": Translatable("Job %(id)s cannot be edited: %(reason)s."),
    "turned into failed": Translatable(
        "Job %(id)s cannot be turned into a failed one: %(reason)s."
    ),
    "put back": Translatable("Job %(id)s cannot be put back: %(reason)s."),
    "duplicated": Translatable("Job %(id)s cannot be duplicated: %(reason)s."),
    "removed": Translatable("Job %(id)s cannot be removed: %(reason)s."),
}
LETTER = {
    "reprocessed": Translatable("Dead letter %(id)s cannot be reprocessed: %(reason)s."),
    "resolved": Translatable("Dead letter %(id)s cannot be resolved: %(reason)s."),
    "assigned": Translatable("Dead letter %(id)s cannot be assigned: %(reason)s."),
    "annotated": Translatable("Dead letter %(id)s cannot be annotated: %(reason)s."),
    "notified": Translatable("Nobody can be notified of dead letter %(id)s: %(reason)s."),
    "put back": Translatable("Dead letter %(id)s cannot be put back: %(reason)s."),
}

PAUSE = {
    ("queue", "paused"): Translatable("Queue %(name)s cannot be paused: %(reason)s."),
    ("queue", "resumed"): Translatable("Queue %(name)s cannot be resumed: %(reason)s."),
    ("task", "paused"): Translatable("Task %(name)s cannot be paused: %(reason)s."),
    ("task", "resumed"): Translatable("Task %(name)s cannot be resumed: %(reason)s."),
}

NO_JOB = Translatable("No job %(id)s exists.")
NO_LETTER = Translatable("No dead letter %(id)s exists.")
CHANGING = Translatable("somebody else was changing it at this moment. Try again")
KEY_IS_HELD = Translatable("job %(id)s, which is %(state)s, has the same dedupe key")
STOPPING = Translatable("it is stopping since %(ago)s")
STOP_IT = Translatable("it is running. Stop it instead")
CHANGED_SINCE = Translatable("it was changed since")
CHORD_KNOWS = Translatable("its chord was told that it ended")
TASK_IS_PAUSED = Translatable("its task was paused %(ago)s ago by %(who)s")
IS_HELD = Translatable("it is held while its task is paused")
IS_PAUSED = Translatable("%(who)s paused it %(ago)s ago")
IS_NOT_PAUSED = Translatable("it is not paused")
RESOLVED = Translatable("it was resolved %(ago)s ago by %(who)s")
REPROCESSED = Translatable("it was reprocessed %(ago)s ago by %(who)s")
STATES = {
    State.SCHEDULED: Translatable("it is scheduled for later"),
    State.QUEUED: Translatable("it is queued"),
    State.RUNNING: Translatable("it is running"),
    State.RETRYING: Translatable("it waits for its next retry"),
    State.COMPLETED: Translatable("it completed %(ago)s ago"),
    State.FAILED: Translatable("it failed %(ago)s ago"),
    State.CANCELLED: Translatable("it was cancelled %(ago)s ago"),
    State.EXPIRED: Translatable("it expired %(ago)s ago"),
}
ITS_JOB = {
    State.SCHEDULED: Translatable("its job %(id)s is scheduled for later"),
    State.QUEUED: Translatable("its job %(id)s is queued"),
    State.RUNNING: Translatable("its job %(id)s is running"),
    State.RETRYING: Translatable("its job %(id)s waits for its next retry"),
}
SPANS = (
    (86400, Translatable("%(count)s d")),
    (3600, Translatable("%(count)s h")),
    (60, Translatable("%(count)s min")),
    (0, Translatable("%(count)s s")),
)


def of_job(id_: str, fact: JobFact | None, verb: str, *, sources: Collection[str]) -> Translatable:
    """Return why `verb` (such as "retried"), which is possible from `sources`, left a job alone."""
    if fact is None:
        return NO_JOB.about(id=id_)
    is_for_stop = verb == "cancelled" and fact.state == State.RUNNING and fact.stopping_s is None
    is_young = verb == "removed" and fact.state in sources  # only older ends were meant
    reason = STOP_IT if is_for_stop else _state(fact) if is_young else _obstacle(fact, sources)
    return JOB[verb].about(id=id_, reason=reason)


def of_letter(
    id_: int,
    fact: LetterFact | None,
    verb: str,
    *,
    jobs: dict[str, JobFact],
    sources: Collection[str],
) -> Translatable:
    """Return why a dead letter was not resolved or reprocessed; `jobs` has the job of it."""
    if fact is None:
        return NO_LETTER.about(id=id_)
    reason = _mark(fact, verb) or _its_job(jobs.get(fact.job_id), sources)
    return LETTER[verb].about(id=id_, reason=reason)


def of_job_undo(
    id_: str, fact: JobFact | None, *, left_in: Collection[str], chord_knows: bool
) -> Translatable:
    """Return why a job was not restored; an operation had left it in one of `left_in`."""
    if fact is None:
        return NO_JOB.about(id=id_)
    reason = CHANGED_SINCE
    if chord_knows:
        reason = CHORD_KNOWS
    elif fact.state not in left_in:
        reason = _state(fact)
    elif fact.holder_id and fact.holder_state:
        reason = KEY_IS_HELD.about(id=fact.holder_id, state=Translatable(fact.holder_state))
    return JOB["put back"].about(id=id_, reason=reason)


def of_letter_undo(id_: int, fact: LetterFact | None) -> Translatable:
    """Return why a dead letter was not restored."""
    return (
        NO_LETTER.about(id=id_)
        if fact is None
        else LETTER["put back"].about(id=id_, reason=CHANGED_SINCE)
    )


def of_pause(name: str, fact: PauseFact | None, kind: str, verb: str) -> Translatable:
    """Return why a queue or a task (`kind`) was not paused or resumed; `fact` is its pause."""
    if fact is None:
        reason = IS_NOT_PAUSED if verb == "resumed" else CHANGING
    elif verb == "resumed":
        reason = CHANGING
    else:
        reason = IS_PAUSED.about(who=fact.paused_by or "?", ago=ago(fact.paused_s_ago))
    return PAUSE[kind, verb].about(name=name, reason=reason)


def ago(seconds: float) -> Translatable:
    """Return a span in its largest unit, such as `3 s` or `2 h`."""
    length, phrase = next(span for span in SPANS if seconds >= span[0] or not span[0])
    return phrase.about(count=int(max(0.0, seconds) // (length or 1)))


def _obstacle(fact: JobFact, sources: Collection[str]) -> Translatable:
    if fact.stopping_s is not None:
        return STOPPING.about(ago=ago(fact.stopping_s))
    if fact.is_held and fact.state not in sources:
        return IS_HELD
    if fact.state not in sources:
        return _state(fact)
    if fact.holder_id and fact.holder_state:
        return KEY_IS_HELD.about(id=fact.holder_id, state=Translatable(fact.holder_state))
    if fact.paused_by is not None:
        return TASK_IS_PAUSED.about(ago=ago(fact.paused_s_ago or 0), who=fact.paused_by)
    return CHANGING


def _state(fact: JobFact) -> Translatable:
    return STATES[State(fact.state)].about(ago=ago(fact.ended_s_ago or 0))


def _mark(fact: LetterFact, verb: str) -> Translatable | None:
    if fact.resolved_s_ago is not None:
        return RESOLVED.about(ago=ago(fact.resolved_s_ago), who=fact.resolved_by or "")
    if fact.reprocessed_s_ago is not None and verb != "resolved":
        return REPROCESSED.about(ago=ago(fact.reprocessed_s_ago), who=fact.reprocessed_by or "")
    return None


def _its_job(job: JobFact | None, sources: Collection[str]) -> Translatable:
    """Return what keeps an open dead letter from the verb."""
    if job is None:
        return CHANGING
    if job.state not in sources:
        return ITS_JOB[State(job.state)].about(id=job.id)
    return _obstacle(job, sources)
