"""Commands of the verbs that run at once: `flask errors`, `alerts`, `schedule`, `workers`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
from flask_babel import gettext as _

from mahaam.verbs import LARGEST_ID, VerbResult

from ..actions import direct
from ..actions.direct import DirectAction
from .commands import BadInput, Commands, operator
from .input_flags import input_option, read_input
from .output import as_json
from .report import tell

Facts = Callable[[VerbResult], dict[str, Any]]

errors = Commands("errors", help="Decide about causes of failures.")
alerts = Commands("alerts", help="Acknowledge, silence and close alerts.")


def add(
    group: Commands,
    action: DirectAction,
    read_id: Callable[[str], Any],
    *,
    metavar: str = "ID…",
    is_asked: bool = False,
    facts: Facts = lambda _result: {},
) -> None:
    """Add the command of a verb. With `is_asked` it asks for a confirmation, except with --yes.

    `facts` returns what the JSON has besides what was done and refused.
    """

    def command(names: tuple[str, ...], yes: bool, is_json: bool, **given: Any) -> None:
        ids = list(map(read_id, names))
        typed = {one.name: read_input(one, given[one.name]) for one in action.row.inputs}
        if is_asked and not yes:
            click.confirm(f"{action.label}: {', '.join(names)}?", abort=True)
        result = action.row.run(ids, by=operator(), **action.row.check(typed))
        tell(result, action.done, is_json=is_json, **facts(result))

    for one in reversed(action.row.inputs):
        command = input_option(one)(command)
    command = as_json(command)
    command = click.option("--yes", is_flag=True, help="Do not ask.", hidden=not is_asked)(command)
    command = click.argument("names", metavar=metavar, nargs=-1, required=True)(command)
    group.add(action.command.split()[1], help=action.help)(command)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= LARGEST_ID):
        raise BadInput(_("%(id)s is not a number of the list.", id=repr(text[:80])))
    return int(text)


for one_action in direct.ERROR_GROUP:
    add(errors, one_action, _number)
for one_action in direct.ALERT:
    add(alerts, one_action, _number)
