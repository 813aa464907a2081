"""`flask queue failed | failed-show | retry | flush`: dead letters and the verbs on them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import click
from flask_babel import gettext as _
from flask_babel import ngettext

from mahaam.postgres.paging import PageCursor
from mahaam.queries.dead_letter_list import DeadLetterEntry, DeadLetterFilter, dead_letters_page
from mahaam.redaction.redact import masked_text
from mahaam.verbs import VerbResult

from ..actions import catalog
from ..actions.bulk import BulkAction
from ..web.languages import said
from .bulk import LETTERS, Begun, BulkOptions, asked, bulk_options, with_ids
from .commands import BadInput, Refusal, read
from .dead_letter_report import DeadLetterReport, find_case, print_case
from .output import as_json, paper, plain, print_json, row, table, word
from .queue import queue

ALL = "all"


def _letter_or_job(text: str) -> int | UUID:
    """Return the number of a dead letter or the id of a job. Raises BadInput."""
    try:
        return int(text) if text.isascii() and text.isdigit() else UUID(text)
    except ValueError:
        message = _("%(id)s is neither a dead letter's number nor a job's id.", id=repr(text))
        raise BadInput(message) from None


LETTERS_OR_JOBS = replace(LETTERS, read_id=_letter_or_job)


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
@click.argument("ids", metavar="[ID…|all]", nargs=-1)
@click.option("--all", "is_all", is_flag=True, help="Those of all open dead letters that match.")
@bulk_options(LETTERS, catalog.REPROCESS)
def retry(ids: tuple[str, ...], is_all: bool, is_json: bool, **given: Any) -> None:
    """Queue jobs again, named by dead letter or by job; or those of open dead letters."""
    if ids == (ALL,):  # as --all --yes
        ids, is_all, given["yes"] = (), True, True
    wanted = with_ids(asked(LETTERS_OR_JOBS, catalog.REPROCESS, given), ids, is_all=is_all)
    if is_all:
        outcome = wanted.carry_out()
        if isinstance(outcome, Begun):
            outcome.tell(is_json=is_json)
            return
        results = [outcome]
    else:
        results = _retry(wanted)
    _print_retried(results, is_json=is_json)


@queue.add("flush")
@bulk_options(LETTERS, catalog.RESOLVE)
def flush(is_json: bool, **given: Any) -> None:
    """Resolve all open dead letters that match; their jobs stay failed."""
    given["of_reprocessed"] = given["of_reprocessed"] or "no"
    outcome = asked(LETTERS, catalog.RESOLVE, given).carry_out()
    if isinstance(outcome, Begun):
        outcome.tell(is_json=is_json)
    elif is_json:
        print_json({"resolved": len(outcome.done), "operation": outcome.operation_id})
    else:
        click.echo(catalog.RESOLVE.done(len(outcome.done)))


def _retry(wanted: BulkOptions) -> list[VerbResult]:
    """Queue the named jobs again, dead letters first. Return the results."""
    named: dict[BulkAction, tuple[UUID | int, ...]] = {
        catalog.REPROCESS: tuple(id_ for id_ in wanted.ids if isinstance(id_, int)),
        catalog.RETRY: tuple(id_ for id_ in wanted.ids if isinstance(id_, UUID)),
    }
    outcomes = [
        replace(wanted, action=action, ids=ids).carry_out() for action, ids in named.items() if ids
    ]
    return [outcome for outcome in outcomes if isinstance(outcome, VerbResult)]


def _print_retried(results: list[VerbResult], *, is_json: bool) -> None:
    done = [id_ for result in results for id_ in result.done]
    refused = {id_: why for result in results for id_, why in result.refused.items()}
    if is_json:
        print_json(
            {
                "queued": len(done),
                "ids": done,
                "refused": {str(id_): str(why) for id_, why in refused.items()},
                "operations": [result.operation_id for result in results],
            }
        )
    elif done or not refused:
        click.echo(
            ngettext("%(num)s job is queued again.", "%(num)s jobs are queued again.", len(done))
        )
    if refused:
        raise Refusal("\n".join(map(said, refused.values())))


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
