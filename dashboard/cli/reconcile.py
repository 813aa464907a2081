"""`flask queue reconcile`: compares all that Redis holds with the rows, and repairs Redis."""

from __future__ import annotations

from datetime import timedelta
from typing import TextIO

import click
from flask_babel import gettext as _

from mahaam import verbs
from mahaam.verbs import NoticeComparison

from ..present import badges
from . import lost_jobs
from .commands import BadInput, operator
from .output import as_json, paper, print_json, row, table
from .parse import span_s
from .queue import queue


@queue.add("reconcile")
@click.option("--repair", is_flag=True, help="Ring what is missing, remove what claims nothing.")
@click.option(
    "--old-primary",
    metavar="URL",
    help="After a fail-over: compare with the jobs that this server accepted.",
)
@click.option(
    "--since", default="1d", metavar="SPAN", help="How far back to look there, such as 2h or 7d."
)
@click.option("--import", "is_import", is_flag=True, help="Bring back what has not ended there.")
@click.option(
    "--log",
    "logs",
    type=click.File(errors="replace"),
    multiple=True,
    metavar="FILE",
    help="Look for the jobs whose ids stand in a log (- for standard input).",
)
@as_json
def reconcile(
    repair: bool,
    old_primary: str | None,
    since: str,
    is_import: bool,
    logs: tuple[TextIO, ...],
    is_json: bool,
) -> None:
    """Compare every id in Redis and every queued row. The exit code is 1 if something is wrong."""
    if is_import and old_primary is None:
        raise BadInput(_("--import needs --old-primary."))
    if old_primary is not None:
        span = timedelta(seconds=span_s("--since", since) or 0)
        lost_jobs.of_old_primary(old_primary, since=span, is_import=is_import, is_json=is_json)
        return
    if logs:
        lost_jobs.of_log(logs, is_json=is_json)
        return
    compared = verbs.compare_notices(repair=repair, by=operator())
    if is_json:
        print_json({"repaired": repair, "queues": compared})
    else:
        _print(compared)
    if not repair and not all(found.is_right for found in compared):
        raise click.exceptions.Exit(1)


def _print(compared: list[NoticeComparison]) -> None:
    made = table(
        _("Queue"), _("In Redis"), _("Ids compared"), _("Rows compared"), _("Found"),
        _("For example"), numbers=(1, 2, 3),
    )  # fmt: skip
    for found in compared:
        faults = [
            f"{count} × {badges.NOTICE_FAULTS[fault]}" for fault, count in found.faults.items()
        ]
        examples = [members[0] for members in found.examples.values()]
        row(
            made, found.queue, found.in_redis, found.compared_ids, found.compared_rows,
            "\n".join(faults) or None, "\n".join(examples) or None,
        )  # fmt: skip
    paper().print(made)
