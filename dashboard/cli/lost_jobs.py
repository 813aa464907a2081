"""Parts of `flask queue reconcile` for an old primary or a log: find accepted jobs that are missing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TextIO

import click
from flask_babel import gettext as _
from flask_babel import ngettext

from mahaam import verbs
from mahaam.verbs import LostJob

from .commands import operator
from .output import paper, print_json, row, table, word

MOST_SHOWN = 50


def of_old_primary(url: str, *, since: timedelta, is_import: bool, is_json: bool) -> None:
    """Print the jobs that an old primary accepted and that are missing here, and import them on request."""
    lost = verbs.lost_of_old_primary(url, since=since)
    brought = verbs.bring_back(url, lost, by=operator()) if is_import and lost else []
    if is_json:
        print_json({"missing": [job._asdict() for job in lost], "imported": brought})
    else:
        _print(lost)
        if is_import:
            _print_import(len(brought), len(lost))
    _end(len(lost) - len(brought))


def of_log(files: Sequence[TextIO], *, is_json: bool) -> None:
    """Print the ids in a log that are not jobs."""
    missing = verbs.lost_of_text(line for file in files for line in file)
    if is_json:
        print_json({"missing": missing})
    else:
        click.echo(_count(len(missing)))
        for id_ in missing:
            click.echo(id_)
    _end(len(missing))


def _print(lost: list[LostJob]) -> None:
    click.echo(_count(len(lost)))
    if not lost:
        return
    made = table(_("Job"), _("Task"), _("Queue"), _("State there"), _("Accepted"))
    for job in lost[:MOST_SHOWN]:
        row(made, job.id, job.task, job.queue, word(job.state), job.created_at)
    paper().print(made)
    if len(lost) > MOST_SHOWN:
        click.echo(_("and %(count)s more", count=len(lost) - MOST_SHOWN))


def _count(count: int) -> str:
    return ngettext("%(num)s job is missing here.", "%(num)s jobs are missing here.", count)


def _print_import(brought: int, lost: int) -> None:
    click.echo(
        ngettext("%(num)s job was brought back.", "%(num)s jobs were brought back.", brought)
    )
    if left := lost - brought:
        click.echo(
            ngettext(
                "%(num)s was left: it had ended there, or a job here holds its dedupe key.",
                "%(num)s were left: they had ended there, or jobs here hold their dedupe keys.",
                left,
            )
        )


def _end(missing: int) -> None:
    if missing:
        raise click.exceptions.Exit(1)
