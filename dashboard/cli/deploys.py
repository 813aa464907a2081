"""`flask deploys mark | list`: lines in the charts that show which code went live when."""

from __future__ import annotations

from dataclasses import replace

import click
from flask_babel import gettext as _

from mahaam import verbs
from mahaam.metrics.deploys_queries import deploys as all_deploys
from mahaam.redaction.redact import masked_text

from .commands import Commands, operator, read
from .output import as_json, paper, print_json, row, table

deploys = Commands("deploys", help="Mark deploys in the charts.")


@deploys.add("mark")
@click.argument("revision", metavar="REV")
@click.option("--note", help="What people read who point at the line.")
@as_json
def mark(revision: str, note: str | None, is_json: bool) -> None:
    """Mark that REV, a version or a commit, went live now."""
    id_ = verbs.mark_deploy(revision, note=note, by=operator())
    if is_json:
        print_json({"id": id_, "revision": revision})
    else:
        click.echo(_("The deploy of %(revision)s is marked.", revision=revision))


@deploys.add("list")
@as_json
def list_(is_json: bool) -> None:
    """List the newest deploys."""
    found = [replace(one, note=one.note and masked_text(one.note)) for one in read(all_deploys)]
    if is_json:
        print_json(found)
        return
    made = table(_("Revision"), _("At (UTC)"), _("By"), _("Note"))
    for deploy in found:
        row(made, deploy.revision, deploy.marked_at, deploy.marked_by, deploy.note)
    paper().print(made)
