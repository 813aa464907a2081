"""Commands that run a verb on jobs or dead letters: on ids, or with --all on what matches a filter.

Each verb of the console has one: `flask jobs VERB`, `flask queue VERB`. All of them are operations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import click
from flask_babel import gettext as _

from mahaam import verbs
from mahaam.enqueuing import known_queues
from mahaam.jobs.states import State
from mahaam.verbs import Selection, VerbResult

from ..actions import catalog
from ..actions import preview as matching
from ..actions.bulk import BulkAction, BulkPreview
from ..jobs import dead_letter_filter
from ..jobs import filter as job_filter
from ..web.database import db
from ..web.query_string import QueryString
from .commands import BadInput, Commands, operator
from .input_flags import input_option, read_input
from .jobs import jobs
from .output import as_json, print_json
from .parse import job_id, letter_id
from .queue import queue
from .report import tell

Command = Callable[..., None]
Options = dict[str, dict[str, Any]]

YES_OR_NO = {"type": click.Choice(["yes", "no"])}
TIME = {"metavar": "TIME", "help": "Such as 2027-01-31T08:00 (UTC)."}
JOB_FILTER: Options = {
    "state": {"type": click.Choice([state.value for state in State])},
    "queue": {"metavar": "QUEUE"},
    "task": {"metavar": "TASK"},
    "tag": {"metavar": "TAG"},
    "error": {"metavar": "TEXT", "help": "Three letters or more of the error."},
    "argument": {"metavar": "NAME=VALUE", "help": "Or JSON that the arguments contain."},
    "created_from": TIME,
    "created_to": {"metavar": "TIME"},
}
LETTER_FILTER: Options = {
    "queue": {"metavar": "QUEUE"},
    "task": {"metavar": "TASK"},
    "owner": {"metavar": "OWNER"},
    "error": {"metavar": "TEXT", "help": "Three letters or more of the error."},
    "cause": {"metavar": "FINGERPRINT", "help": "Of this error group alone."},
    "since": {**TIME, "help": "Failed from this time on, such as 2027-01-31T08:00 (UTC)."},
    "until": {"metavar": "TIME"},
    "reprocessed": YES_OR_NO,
    "resolved": YES_OR_NO,
    "notified": YES_OR_NO,
}


@dataclass(frozen=True)
class Target:
    """The rows that a group's commands work on, and the readers of their ids and filters."""

    group: Commands
    filter: Options
    read_filter: Callable[[QueryString], Selection]
    read_id: Callable[[str], UUID | int]
    preview: Callable[[BulkAction, Any], BulkPreview]


JOBS = Target(jobs, JOB_FILTER, job_filter.read_filter, job_id, matching.of_jobs)
LETTERS = Target(
    queue, LETTER_FILTER, dead_letter_filter.read_filter, letter_id, matching.of_letters
)


@dataclass(frozen=True)
class BulkOptions:
    """The arguments of a verb's command. Without ids, all that match the filter are meant."""

    target: Target
    action: BulkAction
    ids: tuple[UUID | int, ...] = ()
    filter: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    reason: str | None = None
    is_confirmed: bool = False

    def carry_out(self) -> VerbResult | Begun:
        """Run the verb now, or start an operation for consumers when many rows match. Return the result."""
        if self.ids:
            return verbs.carry_out(self._order, list(self.ids))  # type: ignore[arg-type]  # of one kind
        wanted = _filter(self.target, self.filter)
        shown = self._preview(wanted)
        if not self.is_confirmed:
            click.confirm(f"{self.action.question(shown.count, shown.shown)}?", abort=True)
        ids = verbs.find(self._order, wanted, until=shown.until)
        if ids == []:
            return VerbResult()
        if ids is not None:
            return verbs.carry_out(self._order, ids, wanted=wanted)
        expected = None if shown.is_least else shown.count
        made = verbs.start(self._order, wanted, until=shown.until, expected=expected)
        return Begun(made, expected)

    @property
    def _order(self) -> verbs.OperationRequest:
        return verbs.OperationRequest(self.action.verb, operator(), self.parameters, self.reason)

    def _preview(self, wanted: Selection) -> BulkPreview:
        self._order.checked()
        try:
            return self.target.preview(self.action, wanted)
        finally:
            db.session.rollback()


@dataclass(frozen=True)
class Begun:
    """An operation that consumers carry out. `expected` is None when there are too many rows to count."""

    operation: int
    expected: int | None

    def tell(self, *, is_json: bool) -> None:
        """Print the command that shows the operation, or its id as JSON."""
        if is_json:
            print_json({"operation": self.operation, "expected": self.expected})
        else:
            message = _(
                "Operation %(id)s has begun: flask operations show %(id)s", id=self.operation
            )
            click.echo(message)


def bulk_options(target: Target, action: BulkAction) -> Callable[[Command], Command]:
    """Return a decorator that gives a command the flags of a verb and of a filter."""

    def decorate(command: Command) -> Command:
        for name, more in reversed(target.filter.items()):
            command = click.option(_flag(name), f"of_{name}", **more)(command)
        for one in reversed(action.inputs):
            command = input_option(one)(command)
        command = as_json(command)
        command = click.option("--yes", is_flag=True, help="Do not ask.")(command)
        return click.option("--reason", metavar="TEXT", help="Why; kept with the operation.")(
            command
        )

    return decorate


def asked(target: Target, action: BulkAction, given: Mapping[str, Any]) -> BulkOptions:
    """Return the flags of `bulk_options` as options. Raises BadInput."""
    filtered = {
        name: given[f"of_{name}"] for name in target.filter if given.get(f"of_{name}") is not None
    }
    parameters = {one.name: read_input(one, given[one.name]) for one in action.inputs}
    return BulkOptions(
        target, action, filter=filtered, parameters=parameters, reason=given["reason"],
        is_confirmed=given["yes"],
    )  # fmt: skip


def with_ids(wanted: BulkOptions, ids: tuple[str, ...], *, is_all: bool) -> BulkOptions:
    """Return the options with the ids. Raises BadInput unless either ids or --all were given."""
    if bool(ids) == is_all or (wanted.filter and not is_all):
        raise BadInput(_("Name ids, or say --all with a filter; not both."))
    return replace(wanted, ids=tuple(wanted.target.read_id(id_) for id_ in ids))


def report(action: BulkAction, outcome: VerbResult | Begun, *, is_json: bool) -> None:
    """Print what was done, with the sentence of the pages, and why the rest was not done."""
    if isinstance(outcome, Begun):
        outcome.tell(is_json=is_json)
        return
    made = {str(old): str(new) for old, new in outcome.made.items()}
    tell(
        outcome,
        lambda n: "\n".join(made.values()) or action.done(n),  # scripts need the new ids
        is_json=is_json,
        operation=outcome.operation_id,
        made=made,
    )


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _filter(target: Target, given: Mapping[str, str]) -> Selection:
    """Return the filter, read as from an address. A wrong one would widen the work, so it raises BadInput.

    Raises UnknownQueue.
    """
    if "queue" in given:
        known_queues.check(given["queue"])
    query = QueryString(given)
    wanted = target.read_filter(query)
    if query.close() or len(query.understood) < len(given):
        raise BadInput("\n".join(query.faults) or _("A filter must not be empty."))
    return wanted


def _add(target: Target, action: BulkAction) -> None:
    """Add the command of a verb to its group."""

    def command(ids: tuple[str, ...], is_all: bool, is_json: bool, **given: Any) -> None:
        wanted = with_ids(asked(target, action, given), ids, is_all=is_all)
        report(action, wanted.carry_out(), is_json=is_json)

    command = bulk_options(target, action)(command)
    command = click.option("--all", "is_all", is_flag=True, help="All that match.")(command)
    command = click.argument("ids", metavar="[ID…]", nargs=-1)(command)
    target.group.add(action.command, help=action.help)(command)


for one_action in catalog.JOB.values():
    _add(JOBS, one_action)
for one_action in catalog.LETTER.values():
    if one_action is not catalog.REPROCESS:  # flask queue retry: of dead letters and of jobs
        _add(LETTERS, one_action)
