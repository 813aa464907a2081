"""`flask jobs retry | cancel | promote | fail`: some jobs by their ids, or --all that match a filter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
from flask_babel import gettext as _
from flask_babel import ngettext

from mahaam import verbs
from mahaam.jobs.states import State
from mahaam.search.job_filter import JobFilter

from ..actions import catalog, preview
from ..actions.bulk import BulkAction
from ..jobs.filter import read_filter
from ..web.database import db
from ..web.query_string import QueryString
from .commands import BadInput, operator
from .jobs import jobs
from .output import as_json, print_json
from .parse import job_id, span_s
from .report import tell

FILTER = {
    "state": {"type": click.Choice([state.value for state in State])},
    "queue": {"metavar": "QUEUE"},
    "task": {"metavar": "TASK"},
    "tag": {"metavar": "TAG"},
    "error": {"metavar": "TEXT", "help": "Three letters or more of the error."},
    "argument": {"metavar": "NAME=VALUE", "help": "Or JSON that the arguments contain."},
    "created_from": {"metavar": "TIME", "help": "Such as 2027-01-31T08:00 (UTC)."},
    "created_to": {"metavar": "TIME"},
}
Done = Callable[[int], str]


def _command(action: BulkAction, done: Done, text: str, *, spreads: bool = False) -> None:
    """Add `flask jobs VERB`."""

    def command(ids: tuple[str, ...], is_all: bool, is_json: bool, **given: Any) -> None:
        yes, reason, filtered = given.pop("yes"), given.pop("reason"), _given(given)
        parameters = {"spread_s": span_s("--spread", given["spread"])} if spreads else {}
        order = verbs.OperationRequest(action.verb, operator(), parameters, reason)
        if bool(ids) == is_all or (filtered and not is_all):
            raise BadInput(_("Name jobs, or say --all with a filter; not both."))
        if is_all:
            _carry_out_all(action, order, _filter(filtered), done, yes=yes, is_json=is_json)
            return
        report = verbs.carry_out(order, [job_id(id_) for id_ in ids], wanted=None)
        tell(report.verdict, done, is_json=is_json, operation=report.operation_id)

    for name, more in reversed(FILTER.items()):
        command = click.option(f"--{name.replace('_', '-')}", name, **more)(command)  # type: ignore[arg-type]
    if spreads:
        command = click.option(
            "--spread", metavar="SPAN", help="Spread them over a time, such as 30m."
        )(command)
    command = as_json(command)
    command = click.option("--yes", is_flag=True, help="Do not ask.")(command)
    command = click.option("--reason", metavar="TEXT", help="Why; kept with the operation.")(
        command
    )
    command = click.option("--all", "is_all", is_flag=True, help="All that match.")(command)
    command = click.argument("ids", metavar="[ID…]", nargs=-1)(command)
    jobs.add(action.verb, help=text)(command)


def _given(options: dict[str, Any]) -> dict[str, str]:
    return {name: options[name] for name in FILTER if options.get(name) is not None}


def _filter(given: dict[str, str]) -> JobFilter:
    """The filter, read as from an address. Raises BadInput: ignored, it would widen the work."""
    query = QueryString(given)
    wanted = read_filter(query)
    if query.close() or len(query.understood) < len(given):
        raise BadInput("\n".join(query.faults) or _("A filter must not be empty."))
    return wanted


def _carry_out_all(
    action: BulkAction,
    order: verbs.OperationRequest,
    wanted: JobFilter,
    done: Done,
    *,
    yes: bool,
    is_json: bool,
) -> None:
    try:
        shown = preview.of_jobs(action, wanted)
    finally:
        db.session.rollback()
    if not yes:
        click.confirm(f"{action.question(shown.count, shown.shown)}?", abort=True)
    ids = verbs.find(order, wanted, until=shown.until)
    if ids is not None:
        report = verbs.carry_out(order, ids, wanted=wanted)
        tell(report.verdict, done, is_json=is_json, operation=report.operation_id)
        return
    expected = None if shown.is_least else shown.count
    made = verbs.start(order, wanted, until=shown.until, expected=expected)
    if is_json:
        print_json({"operation": made, "expected": expected})
    else:
        click.echo(_("Operation %(id)s has begun: flask operations show %(id)s", id=made))


_command(
    catalog.RETRY,
    lambda n: ngettext("%(num)s job was queued again.", "%(num)s jobs were queued again.", n),
    "Queue jobs again that have ended.",
    spreads=True,
)
_command(
    catalog.CANCEL,
    lambda n: ngettext("%(num)s job was cancelled.", "%(num)s jobs were cancelled.", n),
    "Cancel jobs that wait.",
)
_command(
    catalog.PROMOTE,
    lambda n: ngettext("%(num)s job is queued now.", "%(num)s jobs are queued now.", n),
    "Let scheduled and retrying jobs run now.",
)
_command(
    catalog.FAIL,
    lambda n: ngettext(
        "%(num)s job was turned into a failed one.",
        "%(num)s jobs were turned into failed ones.",
        n,
    ),
    "Turn completed jobs into failed ones, to try the dead letters.",
)
