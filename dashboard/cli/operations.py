"""`flask operations list | show | abort | undo`: bulk work, its results and its undo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import click
from flask_babel import gettext as _
from flask_babel import ngettext

from mahaam import verbs
from mahaam.operations.queries import (
    OperationEntry,
    ResultEntry,
    find_operation,
    operations_page,
    results_page,
)
from mahaam.postgres.paging import PageCursor
from mahaam.redaction.redact import masked, masked_text

from ..present import badges
from ..web.languages import said
from .commands import Commands, Refusal, operator, read
from .output import as_json, paper, plain, print_json, row, table

operations = Commands("operations", help="Follow, abort and undo bulk work.")
id_argument = click.argument("operation_id", metavar="ID", type=click.IntRange(1, verbs.LARGEST_ID))


@operations.add("list")
@click.option("--limit", default=20, type=click.IntRange(1, 1000), show_default=True)
@as_json
def list_(limit: int, is_json: bool) -> None:
    """List the newest operations."""
    entries = [_shown(entry) for entry in read(operations_page, PageCursor(size=limit)).entries]
    if is_json:
        print_json(entries)
    elif not entries:
        click.echo(_("There is no operation."))
    else:
        _print_list(entries)


@operations.add("show")
@id_argument
@click.option("--limit", default=20, type=click.IntRange(0, 1000), show_default=True)
@as_json
def show(operation_id: int, limit: int, is_json: bool) -> None:
    """Show an operation and the last of its results."""
    entry = read(find_operation, operation_id)
    if entry is None:
        raise Refusal(_("No operation %(id)s exists.", id=operation_id))
    entry = _shown(entry)
    results = read(results_page, operation_id, PageCursor(size=limit)).entries if limit else ()
    if is_json:
        print_json({"operation": entry, "results": [_plain_result(one) for one in results]})
    else:
        _print_list([entry])
        _print_results(results)


@operations.add("abort")
@id_argument
@as_json
def abort(operation_id: int, is_json: bool) -> None:
    """End it after the batch that is under way; what it has done stays done."""
    refusal = verbs.abort(operation_id, by=operator())
    if refusal is not None:
        raise Refusal(said(refusal))
    if is_json:
        print_json({"aborted": operation_id})
    else:
        click.echo(_("Operation %(id)s was aborted.", id=operation_id))


@operations.add("undo")
@id_argument
@as_json
def undo(operation_id: int, is_json: bool) -> None:
    """Give back what it changed, where nothing has come of it yet."""
    answer = verbs.undo(operation_id, by=operator())
    if answer.refusal is not None:
        raise Refusal(said(answer.refusal))
    if is_json:
        print_json({"undone": answer.undone, "kept": answer.kept, "is_over": answer.is_over})
    elif not answer.is_over:
        click.echo(_("It is being undone."))
    else:
        click.echo(_went_back(answer.undone))
        click.echo(_stayed(answer.kept)) if answer.kept else None


def _went_back(count: int) -> str:
    return ngettext("%(num)s is as it was before.", "%(num)s are as they were before.", count)


def _stayed(count: int) -> str:
    return ngettext(
        "%(num)s has moved on and stays as it is.",
        "%(num)s have moved on and stay as they are.",
        count,
    )


def _print_list(entries: Sequence[OperationEntry]) -> None:
    made = table(
        _("Operation"), _("What"), _("About"), _("State"), _("Done"), _("Refused"), _("By"),
        _("When"), _("Reason"), numbers=(0, 4, 5),
    )  # fmt: skip
    for entry in entries:
        row(
            made, entry.id, _what(entry), _about(entry), badges.OPERATION[entry.state].word, entry.done,
            entry.refused, entry.created_by, entry.created_at, entry.reason,
        )  # fmt: skip
    paper().print(made)


def _print_results(results: tuple[ResultEntry, ...]) -> None:
    if not results:
        return
    made = table(_("Job"), _("Dead letter"), _("Result"), _("Reason"))
    for one in results:
        reason = said(one.reason) if one.reason else None
        row(made, one.job_id, one.dead_letter_id, badges.of_result(one).word, plain(reason))
    paper().print(made)


def _shown(entry: OperationEntry) -> OperationEntry:
    """Return the operation without the secrets that somebody may have typed into it."""
    return replace(
        entry,
        parameters=masked(entry.parameters),
        filter=masked(entry.filter),
        reason=entry.reason and masked_text(entry.reason),
        fault=entry.fault and masked_text(entry.fault),
    )


def _what(entry: OperationEntry) -> str:
    given = [f"{name}={value}" for name, value in entry.parameters.items()]
    return " ".join([entry.verb, *given])


def _about(entry: OperationEntry) -> str:
    if entry.filter is None:
        return _("ticked one by one")
    return " ".join(f"{name}={value}" for name, value in entry.filter.items()) or _("everything")


def _plain_result(one: ResultEntry) -> dict[str, Any]:
    return {
        "number": one.number,
        "job_id": one.job_id,
        "dead_letter_id": one.dead_letter_id,
        "is_done": one.is_done,
        "is_undone": one.is_undone,
        "reason": str(one.reason) if one.reason else None,
        "before": masked(one.before),
        "after": masked(one.after),
    }
