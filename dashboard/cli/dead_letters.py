"""`flask queue failed | failed-show | retry | flush`: what failed for good, and what then."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import click
from flask_babel import gettext as _
from flask_babel import ngettext

from mahaam import verbs
from mahaam.postgres.paging import PageCursor
from mahaam.queries.counts import open_letter_count
from mahaam.queries.dead_letters import DeadLetterEntry, DeadLetterFilter, dead_letters_page
from mahaam.redaction.redact import masked_text

from ..web.languages import said
from .commands import BadInput, Refusal, operator, read
from .dead_letter_report import DeadLetterReport, find_case, print_case
from .output import as_json, paper, plain, print_json, row, table, word
from .queue import queue

ALL = "all"


@queue.add("failed")
@click.option("--limit", default=20, type=click.IntRange(1, 1000), show_default=True)
@click.option("--queue", "name", metavar="QUEUE", help="Of this queue alone.")
@click.option("--all", "is_all", is_flag=True, help="Those that were dealt with, too.")
@as_json
def failed(limit: int, name: str | None, is_all: bool, is_json: bool) -> None:
    """List the open dead letters, newest first."""
    is_marked = None if is_all else False
    wanted = DeadLetterFilter(reprocessed=is_marked, resolved=is_marked, queue=name)
    page = read(dead_letters_page, wanted, PageCursor(size=limit))
    entries = tuple(map(_masked, page.entries))
    if is_json:
        print_json(entries)
    elif not entries:
        click.echo(_("There is no dead letter."))
    else:
        _print_list(entries)
        if page.has_older:
            click.echo(_("There are more; --limit shows them."))


@queue.add("failed-show")
@click.argument("letter", metavar="ID")
@as_json
def failed_show(letter: str, is_json: bool) -> None:
    """Show a dead letter, by its number or its job's id: errors, traceback, attempts."""
    case: DeadLetterReport = read(find_case, _letter_or_job(letter))
    if is_json:
        print_json(case)
    else:
        print_case(case)


@queue.add("retry")
@click.argument("ids", metavar="ID…|all", nargs=-1, required=True)
@click.option("--queue", "name", metavar="QUEUE", help="With all: those of this queue alone.")
@as_json
def retry(ids: tuple[str, ...], name: str | None, is_json: bool) -> None:
    """Queue jobs again, named by dead letter or by job; or those of all open dead letters."""
    if ALL in ids:
        if len(ids) > 1:
            raise BadInput(_("Say all, or name them; not both."))
        verdict = verbs.VerbResult()
        count = verbs.retry_all(by=operator(), queue=name)
    elif name is not None:
        raise BadInput(_("--queue goes with all."))
    else:
        verdict = _retry([_letter_or_job(id_) for id_ in ids])
        count = len(verdict.done)
    _tell_retried(count, verdict, is_json=is_json)


@queue.add("flush")
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
def flush(yes: bool, is_json: bool) -> None:
    """Resolve all open dead letters; their jobs stay failed."""
    if not yes:
        count = read(open_letter_count)
        question = ngettext(
            "Resolve %(num)s open dead letter?", "Resolve %(num)s open dead letters?", count
        )
        click.confirm(question, abort=True)
    count = verbs.flush(by=operator())
    if is_json:
        print_json({"resolved": count})
        return
    click.echo(
        ngettext("%(num)s dead letter was resolved.", "%(num)s dead letters were resolved.", count)
    )


def _letter_or_job(text: str) -> int | UUID:
    """The number of a dead letter or the id of a job."""
    try:
        return int(text) if text.isascii() and text.isdigit() else UUID(text)
    except ValueError:
        message = _("%(id)s is neither a dead letter's number nor a job's id.", id=repr(text))
        raise BadInput(message) from None


def _retry(ids: list[int | UUID]) -> verbs.VerbResult:
    letters = verbs.reprocess([id_ for id_ in ids if isinstance(id_, int)], by=operator())
    jobs = verbs.retry([id_ for id_ in ids if isinstance(id_, UUID)], by=operator())
    return verbs.VerbResult(letters.done + jobs.done, letters.refused | jobs.refused)


def _tell_retried(count: int, verdict: verbs.VerbResult, *, is_json: bool) -> None:
    if is_json:
        refused = {str(id_): str(reason) for id_, reason in verdict.refused.items()}
        print_json({"queued": count, "ids": verdict.done, "refused": refused})
    elif count or not verdict.refused:
        click.echo(
            ngettext("%(num)s job is queued again.", "%(num)s jobs are queued again.", count)
        )
    if verdict.refused:
        raise Refusal("\n".join(map(said, verdict.refused.values())))


def _masked(entry: DeadLetterEntry) -> DeadLetterEntry:
    return replace(entry, error_message=masked_text(entry.error_message, entry.task))


def _print_list(entries: tuple[DeadLetterEntry, ...]) -> None:
    made = table(
        _("No."), _("Job"), _("Task"), _("Queue"), _("Error"), _("Retries"), _("Failed (UTC)"),
        _("Job is"), numbers=(0, 5),
    )  # fmt: skip
    made.columns[1].no_wrap = True
    for entry in entries:
        error = f"{entry.error_class}: {entry.error_message}".splitlines()[0]
        row(
            made, entry.id, entry.job_id, entry.task, entry.queue, plain(error), entry.retry_count,
            entry.created_at, word(entry.job_state),
        )  # fmt: skip
    paper().print(made)
