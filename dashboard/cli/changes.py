"""`flask jobs reschedule | priority | move | edit | duplicate | stop`."""

from __future__ import annotations

import click
from flask_babel import gettext as _
from flask_babel import ngettext

from mahaam import verbs

from .commands import BadInput, operator
from .jobs import jobs, parsed
from .output import as_json
from .parse import job_id, moment, span_s
from .report import tell

ids_argument = click.argument("ids", metavar="ID…", nargs=-1, required=True)


@jobs.add("stop")
@ids_argument
@as_json
def stop(ids: tuple[str, ...], is_json: bool) -> None:
    """Ask running jobs to stop; what goes on after the grace time is interrupted."""
    verdict = verbs.stop(map(job_id, ids), by=operator())
    tell(
        verdict,
        lambda n: ngettext("%(num)s job is to stop.", "%(num)s jobs are to stop.", n),
        is_json=is_json,
    )


@jobs.add("reschedule")
@ids_argument
@click.option("--at", "at_text", metavar="TIME", help="Such as 2027-01-31T08:00 (UTC).")
@click.option("--in", "in_text", metavar="SPAN", help="Such as 45s, 30m, 1h30m or 2d.")
@as_json
def reschedule(
    ids: tuple[str, ...], at_text: str | None, in_text: str | None, is_json: bool
) -> None:
    """Let waiting jobs run at another time."""
    if (at_text is None) == (in_text is None):
        raise BadInput(_("Say --at or --in, and not both."))
    run_at, delay_s = moment("--at", at_text), span_s("--in", in_text)
    verdict = verbs.reschedule(map(job_id, ids), run_at=run_at, delay_s=delay_s, by=operator())
    tell(
        verdict,
        lambda n: ngettext("%(num)s job was rescheduled.", "%(num)s jobs were rescheduled.", n),
        is_json=is_json,
    )


@jobs.add("priority")
@ids_argument
@click.option("--to", "priority", type=int, required=True, help="A higher number runs first.")
@as_json
def set_priority(ids: tuple[str, ...], priority: int, is_json: bool) -> None:
    """Give waiting jobs another priority."""
    verdict = verbs.set_priority(map(job_id, ids), priority, by=operator())
    tell(
        verdict,
        lambda n: ngettext(
            "%(num)s job has another priority.", "%(num)s jobs have another priority.", n
        ),
        is_json=is_json,
    )


@jobs.add("move")
@ids_argument
@click.option("--to", "queue", metavar="QUEUE", required=True, help="The other queue.")
@as_json
def move(ids: tuple[str, ...], queue: str, is_json: bool) -> None:
    """Put waiting jobs into another queue."""
    verdict = verbs.move(map(job_id, ids), queue, by=operator())
    tell(
        verdict,
        lambda n: ngettext("%(num)s job was moved.", "%(num)s jobs were moved.", n),
        is_json=is_json,
    )


@jobs.add("edit")
@click.argument("job", metavar="ID")
@click.option("--args", "args_text", metavar="JSON", help="Other arguments: a list.")
@click.option("--kwargs", "kwargs_text", metavar="JSON", help="Others by name: an object.")
@as_json
def edit(job: str, args_text: str | None, kwargs_text: str | None, is_json: bool) -> None:
    """Give a job other arguments; one that has ended is queued again."""
    args = parsed("--args", args_text, (list,), _("a list"))
    kwargs = parsed("--kwargs", kwargs_text, (dict,), _("an object"))
    if args is None and kwargs is None:
        raise BadInput(_("Say --args, --kwargs or both."))
    verdict = verbs.edit(job_id(job), args=args, kwargs=kwargs, by=operator())
    tell(
        verdict,
        lambda n: ngettext("%(num)s job was edited.", "%(num)s jobs were edited.", n),
        is_json=is_json,
    )


@jobs.add("duplicate")
@ids_argument
@as_json
def duplicate(ids: tuple[str, ...], is_json: bool) -> None:
    """Queue a new job with the same arguments for each of the jobs."""
    verdict = verbs.duplicate(map(job_id, ids), by=operator())
    made = {str(old): str(new) for old, new in verdict.made.items()}
    tell(verdict, lambda _n: "\n".join(made.values()), is_json=is_json, made=made)
