"""`flask settings list | show | set | reset`: settings that can be changed while the product runs."""

from __future__ import annotations

from typing import Any

import click
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from mahaam import verbs
from mahaam.enqueuing import catalog
from mahaam.live_settings.definitions import SETTINGS, LiveSetting
from mahaam.settings import queries
from mahaam.settings.queries import SettingChange

from ..web.languages import said
from .commands import BadInput, Commands, operator, read
from .output import as_json, paper, print_json, row, table

settings = Commands("settings", help="Settings that change while everything runs.")


@settings.add("list")
@as_json
def list_(is_json: bool) -> None:
    """List every setting with its value, and who changed it."""
    found = read(_all)
    if is_json:
        print_json([_plain(one, change) for one, change in found])
        return
    made = table(_("Setting"), _("Value"), _("Changed by"), _("Changed at"))
    for one, change in found:
        value = one.kind.text(_value(one, change)).replace("\n", ", ")
        row(made, one.name, value, change and change.changed_by, change and change.changed_at)
    paper().print(made)


@settings.add("show")
@click.argument("name", metavar="NAME")
@as_json
def show(name: str, is_json: bool) -> None:
    """Show one setting: its value, its default, what it is for."""
    one = _named(name)
    change = read(queries.changes).get(name)
    if is_json:
        print_json(_plain(one, change))
        return
    click.echo(one.kind.text(_value(one, change)))
    click.echo(_("default: %(value)s", value=one.kind.text(one.default())), err=True)
    if one.help:
        click.echo(said(one.help), err=True)


@settings.add("set", context_settings={"ignore_unknown_options": True})
@click.argument("name", metavar="NAME")
@click.argument("value", metavar="VALUE")
def set_(name: str, value: str) -> None:
    """Give a setting another VALUE; a list is separated by commas."""
    _named(name)
    _print_change(name, verbs.change_setting(name, value, by=operator()))


@settings.add("reset")
@click.argument("name", metavar="NAME")
def reset(name: str) -> None:
    """Give a setting its default again."""
    _named(name)
    _print_change(name, verbs.reset_setting(name, by=operator()))


def _all(session: Session) -> list[tuple[LiveSetting, SettingChange | None]]:
    catalog.load()  # declares the settings of the application's own
    changes = queries.changes(session)
    return [(one, changes.get(name)) for name, one in SETTINGS.items()]


def _named(name: str) -> LiveSetting:
    catalog.load()
    if name not in SETTINGS:
        raise BadInput(_("There is no setting %(name)s.", name=name))
    return SETTINGS[name]


def _value(one: LiveSetting, change: SettingChange | None) -> Any:
    return one.usable(change.value) if change else one.default()


def _plain(one: LiveSetting, change: SettingChange | None) -> dict[str, Any]:
    return {
        "name": one.name,
        "group": one.group,
        "value": _value(one, change),
        "default": one.default(),
        "description": said(one.help) if one.help else "",
        "changed_by": change and change.changed_by,
        "changed_at": change and change.changed_at,
    }


def _print_change(name: str, is_changed: bool) -> None:
    if is_changed:
        click.echo(_("Setting %(name)s was changed.", name=name))
    else:
        click.echo(_("Nothing was changed."))
