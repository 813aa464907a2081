"""`flask queue reconcile`: compares all that Redis holds with the rows, and mends it."""

from __future__ import annotations

import click
from flask_babel import gettext as _

from dashboard import badges
from dashboard.cli.commands import operator
from dashboard.cli.paper import as_json, paper, print_json, row, table
from dashboard.cli.queue import queue
from tasks.engine import verbs
from tasks.engine.verbs import Comparison


@queue.add("reconcile")
@click.option("--repair", is_flag=True, help="Ring what is missing, remove what claims nothing.")
@as_json
def reconcile(repair: bool, is_json: bool) -> None:
    """Compare every id in Redis and every queued row; exit code 1 when something is wrong."""
    compared = verbs.compare_bells(repair=repair, by=operator())
    if is_json:
        print_json({"repaired": repair, "queues": compared})
    else:
        _print(compared)
    if not repair and not all(found.is_right for found in compared):
        raise click.exceptions.Exit(1)


def _print(compared: list[Comparison]) -> None:
    made = table(
        _("Queue"), _("In Redis"), _("Ids compared"), _("Rows compared"), _("Found"),
        _("For example"), numbers=(1, 2, 3),
    )  # fmt: skip
    for found in compared:
        faults = [f"{count} × {badges.BELL_FAULTS[fault]}" for fault, count in found.faults.items()]
        examples = [members[0] for members in found.examples.values()]
        row(
            made, found.queue, found.in_redis, found.compared_ids, found.compared_rows,
            "\n".join(faults) or None, "\n".join(examples) or None,
        )  # fmt: skip
    paper().print(made)
