"""The report of one dead letter, as data and on a terminal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from flask_babel import gettext as _
from rich.console import Console
from sqlalchemy.orm import Session

from mahaam.models import DeadLetter, Job
from mahaam.queries.attempts import AttemptEntry, attempts_of
from mahaam.queries.dead_letter_list import dead_letters_of, find_dead_letter
from mahaam.queries.job_list import find_job
from mahaam.redaction.redact import masked_call, masked_text
from mahaam.verbs import LARGEST_ID

from .commands import Refusal
from .output import paper, plain, row, span, table, word

TOLD = ("error_message", "traceback", "first_error_message", "first_traceback", "resolution_note")


@dataclass(frozen=True)
class DeadLetterReport:
    """A dead letter with its job's arguments and attempts, without secrets."""

    id: int
    job_id: UUID
    job_state: str
    task: str
    queue: str
    args: list[Any]
    kwargs: dict[str, Any]
    failed_at: datetime
    retry_count: int
    error_class: str
    error_message: str
    traceback: str
    first_error_class: str
    first_error_message: str
    first_traceback: str
    reprocessed_at: datetime | None
    reprocessed_by: str | None
    resolved_at: datetime | None
    resolved_by: str | None
    resolution_note: str | None
    notified_at: datetime | None
    attempts: tuple[AttemptEntry, ...]


def find_case(session: Session, wanted: int | UUID) -> DeadLetterReport:
    """Return the report of a dead letter by its number, or of a job's newest. Raises Refusal."""
    letter = _of_job(session, wanted) if isinstance(wanted, UUID) else _by_number(session, wanted)
    job = find_job(session, letter.job_id)
    assert job is not None, "a foreign key keeps the job"
    return _report(letter, job, attempts_of(session, job))


def print_case(case: DeadLetterReport) -> None:
    """Print the errors and facts first, then the tracebacks, then every attempt."""
    console = paper()
    _print_facts(console, case)
    console.print()
    console.print(plain(case.traceback.rstrip()), soft_wrap=True)
    if case.first_traceback != case.traceback:
        console.print(f"\n{_('The first error:')}", style="bold")
        console.print(plain(case.first_traceback.rstrip()), soft_wrap=True)
    console.print()
    _print_attempts(console, case)


def _by_number(session: Session, number: int) -> DeadLetter:
    letter = find_dead_letter(session, number) if number <= LARGEST_ID else None
    if letter is None:
        raise Refusal(_("No dead letter %(id)s exists.", id=number))
    return letter


def _of_job(session: Session, job_id: UUID) -> DeadLetter:
    letters = dead_letters_of(session, job_id)
    if letters:
        return _by_number(session, letters[0].id)
    job = find_job(session, job_id)
    if job is None:
        raise Refusal(_("No job %(id)s exists.", id=job_id))
    message = _("Job %(id)s has no dead letter: it is %(state)s.", id=job_id, state=word(job.state))
    raise Refusal(message)


def _report(letter: DeadLetter, job: Job, attempts: tuple[AttemptEntry, ...]) -> DeadLetterReport:
    own = {"job_state", "args", "kwargs", "failed_at", "attempts"}
    fields = {
        name: getattr(letter, name)
        for name in DeadLetterReport.__dataclass_fields__
        if name not in own
    }
    told = {name: fields[name] and masked_text(fields[name], job.task) for name in TOLD}
    args, kwargs = masked_call(job.args, job.kwargs, job.task)
    return DeadLetterReport(
        **fields | told,
        job_state=job.state,
        args=args,
        kwargs=kwargs,
        failed_at=letter.created_at,
        attempts=tuple(_masked(entry, job.task) for entry in attempts),
    )


def _masked(entry: AttemptEntry, task: str) -> AttemptEntry:
    return replace(
        entry,
        error_message=entry.error_message and masked_text(entry.error_message, task),
        traceback=entry.traceback and masked_text(entry.traceback, task),
    )


def _print_facts(console: Console, case: DeadLetterReport) -> None:
    for name, value in (
        (_("Dead letter"), case.id),
        (_("Job"), f"{case.job_id} ({word(case.job_state)})"),
        (_("Task"), f"{case.task} {case.args or ''}{case.kwargs or ''}"),
        (_("Queue"), case.queue),
        (_("Failed"), f"{plain(case.failed_at)} UTC"),
        (_("Retries"), case.retry_count),
        (_("Error"), f"{case.error_class}: {case.error_message}"),
        (_("First error"), f"{case.first_error_class}: {case.first_error_message}"),
        (_("Reprocessed"), _mark(case.reprocessed_at, case.reprocessed_by)),
        (_("Resolved"), _mark(case.resolved_at, case.resolved_by, case.resolution_note)),
    ):
        if value is not None:
            console.print(f"{name}: ", style="bold", end="")
            console.print(plain(value), soft_wrap=True)


def _mark(at: datetime | None, by: str | None, note: str | None = None) -> str | None:
    if at is None:
        return None
    return f"{plain(at)} UTC, {by}" + (f": {note}" if note else "")


def _print_attempts(console: Console, case: DeadLetterReport) -> None:
    made = table(
        _("Attempt"), _("Outcome"), _("Started (UTC)"), _("Waited"), _("Ran"), _("Error"),
        numbers=(0, 3, 4),
    )  # fmt: skip
    for entry in case.attempts:
        error = f"{entry.error_class}: {entry.error_message}" if entry.error_class else None
        row(
            made, entry.number, word(entry.outcome), entry.started_at, span(entry.wait), span(entry.run),
            error,
        )  # fmt: skip
    console.print(made)
