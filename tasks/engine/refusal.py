"""The sentences that tell an operator why a job or a dead letter was left as it was."""

from __future__ import annotations

from tasks.engine.queries.refusals import JobFact, LetterFact

STATES = {
    "scheduled": "it is scheduled for later",
    "queued": "it is queued",
    "running": "it is running",
    "retrying": "it waits for its next retry",
    "completed": "it completed {ago} ago",
    "failed": "it failed {ago} ago",
    "cancelled": "it was cancelled {ago} ago",
    "expired": "it expired {ago} ago",
}
CHANGING = "somebody else was changing it at this moment. Try again"
UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def of_job(id_: str, fact: JobFact | None, verb: str, *, sources: frozenset[str]) -> str:
    """Why `verb` (such as "retried"), which is possible from `sources`, left a job alone."""
    if fact is None:
        return f"No job {id_} exists."
    return f"Job {id_} cannot be {verb}: {_state(fact, sources)}."


def of_letter(
    id_: int,
    fact: LetterFact | None,
    verb: str,
    *,
    jobs: dict[str, JobFact],
    sources: frozenset[str],
) -> str:
    """Why a dead letter was not resolved or reprocessed; `jobs` has the one that it is about."""
    if fact is None:
        return f"No dead letter {id_} exists."
    reason = _mark(fact, verb) or _obstacle(jobs.get(fact.job_id), sources)
    return f"Dead letter {id_} cannot be {verb}: {reason}."


def ago(seconds: float) -> str:
    """A span in its largest unit, such as `3 s` or `2 h`."""
    for length, unit in UNITS:
        if seconds >= length:
            return f"{seconds // length:.0f} {unit}"
    return "0 s"


def _state(fact: JobFact, sources: frozenset[str]) -> str:
    if fact.state not in sources:
        return STATES[fact.state].format(ago=ago(fact.ended_s_ago or 0))
    if fact.holder_id:
        return f"job {fact.holder_id}, which is {fact.holder_state}, has the same dedupe key"
    return CHANGING


def _mark(fact: LetterFact, verb: str) -> str | None:
    if fact.resolved_s_ago is not None:
        return f"it was resolved {ago(fact.resolved_s_ago)} ago by {fact.resolved_by}"
    if fact.reprocessed_s_ago is not None and verb != "resolved":
        return f"it was reprocessed {ago(fact.reprocessed_s_ago)} ago by {fact.reprocessed_by}"
    return None


def _obstacle(job: JobFact | None, sources: frozenset[str]) -> str:
    """What stands in the way of an open dead letter."""
    if job is None:
        return CHANGING
    reason = _state(job, sources)
    return reason if job.state in sources else reason.replace("it", f"its job {job.id}", 1)
