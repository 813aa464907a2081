"""`flask jobs stop`: asks running jobs to stop."""

from __future__ import annotations

from uuid import UUID

import click
from flask_babel import gettext as _
from flask_babel import ngettext

from dashboard.cli.commands import BadInput, Refusal, operator
from dashboard.cli.jobs import jobs
from dashboard.cli.paper import as_json, print_json
from dashboard.languages import said
from tasks.engine import verbs


@jobs.add("stop")
@click.argument("ids", metavar="ID…", nargs=-1, required=True)
@as_json
def stop(ids: tuple[str, ...], is_json: bool) -> None:
    """Ask running jobs to stop; what goes on after the grace time is interrupted."""
    verdict = verbs.stop([job_id(id_) for id_ in ids], by=operator())
    count = len(verdict.done)
    if is_json:
        refused = {str(id_): str(reason) for id_, reason in verdict.refused.items()}
        print_json({"stopping": count, "ids": verdict.done, "refused": refused})
    elif count:
        click.echo(ngettext("%(num)s job is to stop.", "%(num)s jobs are to stop.", count))
    if verdict.refused:
        raise Refusal("\n".join(map(said, verdict.refused.values())))


def job_id(text: str) -> UUID:
    """A job's id as it was typed. Raises BadInput."""
    try:
        return UUID(text)
    except ValueError:
        raise BadInput(_("%(id)s is not a job's id.", id=repr(text))) from None
