"""`flask queue work | clear | rank`: runs a consumer, empties a queue, sets its rank."""

from __future__ import annotations

import os
import sys

import click
from flask_babel import gettext as _
from flask_babel import ngettext

from mahaam import verbs
from mahaam.config import PROJECT_DIR
from mahaam.queries.queues import queues

from .commands import Commands, operator, read
from .output import as_json, print_json

CONSUMER = PROJECT_DIR / "huey_consumer.py"

queue = Commands("queue", help="Run, watch and repair the queues.")


@queue.add(
    "work",
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("flags", nargs=-1, type=click.UNPROCESSED)
def work(flags: tuple[str, ...]) -> None:
    """Run a consumer. It takes the flags of huey_consumer.py (--help lists them)."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, str(CONSUMER), *flags])  # noqa: S606


@queue.add("clear")
@click.argument("name", metavar="QUEUE")
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
def clear(name: str, yes: bool, is_json: bool) -> None:
    """Cancel all jobs that are queued in QUEUE."""
    found = [entry.waiting for entry in read(queues) if entry.name == name]
    if found and not yes:  # an unknown queue is refused below
        click.confirm(_question(name, found[0]), abort=True)
    count = verbs.clear(name, by=operator())
    if is_json:
        print_json({"queue": name, "cancelled": count})
    else:
        click.echo(ngettext("%(num)s job was cancelled.", "%(num)s jobs were cancelled.", count))


@queue.add("rank")
@click.argument("name", metavar="QUEUE")
@click.argument("rank", type=int)
@as_json
def rank_queue(name: str, rank: int, is_json: bool) -> None:
    """Serve QUEUE after all queues of a rank lower than RANK, and by turns with those of the same."""
    before = verbs.set_rank(name, rank, by=operator())
    if is_json:
        print_json({"queue": name, "rank": rank, "before": before})
    else:
        click.echo(
            _(
                "The rank of queue %(queue)s is %(rank)s; it was %(before)s.",
                queue=name, rank=rank, before=before,
            )
        )  # fmt: skip


def _question(name: str, count: int) -> str:
    return ngettext(
        "Cancel %(num)s job in %(queue)s?", "Cancel %(num)s jobs in %(queue)s?", count, queue=name
    )
