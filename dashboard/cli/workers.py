"""`flask workers`: lists the consumers and runs verbs on them."""

from __future__ import annotations

import re
from dataclasses import replace
from uuid import UUID

import click
from flask_babel import gettext as _
from flask_babel import ngettext

from mahaam import verbs
from mahaam.workers.queries import WorkerEntry, workers_named
from mahaam.workers.queries import workers as all_workers

from ..actions import direct
from ..present import badges
from .commands import BadInput, Commands, Refusal, operator, read
from .direct import add
from .output import as_json, megabytes, paper, print_json, row, table
from .report import tell

NAME = re.compile(r"[0-9A-Fa-f-]{4,36}")

workers = Commands("workers", help="Watch and steer the consumers.")


@workers.add("list")
@click.option("--all", "is_all", is_flag=True, help="Those that have ended, too.")
@as_json
def list_(is_all: bool, is_json: bool) -> None:
    """List the consumers that are alive."""
    found = [worker for worker in read(all_workers) if worker.is_live or is_all]
    if is_json:
        print_json(found)
    elif found:
        _print_list(found)
    else:
        click.echo(_("No consumer is alive."))


@workers.add("resize")
@click.argument("name", metavar="ID")
@click.argument("greenlets", metavar="N", type=int)
@as_json
def resize(name: str, greenlets: int, is_json: bool) -> None:
    """Let a consumer run N jobs at once. Running jobs go on. ID may be the beginning or the end of one."""
    tell(verbs.resize_workers([_id(name)], greenlets, by=operator()), _sentence, is_json=is_json)


def _id(name: str) -> UUID:
    """Return the id of the worker that has `name` as a part of its id. Raises BadInput, Refusal."""
    if not NAME.fullmatch(name):
        raise BadInput(
            _("%(id)s is no part of a worker's id of 4 or more characters.", id=repr(name))
        )
    found = read(workers_named, name)
    if len(found) > 1:
        raise BadInput(_("More than one worker's id begins or ends with %(id)s.", id=name))
    if not found:
        raise Refusal(_("No worker %(id)s exists.", id=name))
    return found[0]


def _sentence(count: int) -> str:
    return ngettext(
        "%(num)s worker was told; it does so within two seconds.",
        "%(num)s workers were told; they do so within two seconds.",
        count,
    )


for action in direct.WORKER:
    if action.name != "resize":  # resize takes its number as an argument
        add(workers, replace(action, done=_sentence), _id)


def _print_list(found: list[WorkerEntry]) -> None:
    made = table(
        _("Worker"), _("Host"), _("Process"), _("State"), _("Busy"), _("Memory"), _("Last beat"),
        _("Queues"), numbers=(2, 4, 5),
    )  # fmt: skip
    made.columns[0].no_wrap = True
    for worker in found:
        row(
            made, worker.id, worker.host, worker.pid, _state(worker), f"{worker.running}/{worker.greenlets}",
            megabytes(worker.memory_bytes), worker.beat_at, ", ".join(worker.queues) or _("all"),
        )  # fmt: skip
    paper().print(made)


def _state(worker: WorkerEntry) -> str:
    is_lost = not worker.is_live and worker.state != "stopped"
    return str(badges.WORKER["lost" if is_lost else worker.state].word)
