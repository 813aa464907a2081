"""Labels of verbs in the audit: those of their buttons, and some that only the audit has."""

from __future__ import annotations

from flask import Flask
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from . import catalog, direct

OTHERS: dict[str, LazyString] = {
    "look": _l("Look at a page"),
    "export": _l("Export"),
    "save_view": _l("Save a view"),
    "share_view": _l("Share a view"),
    "create": _l("Create"),
    "clear": _l("Clear a queue"),
    "rank": _l("Change a queue's rank"),
    "edit": _l("Edit"),
    "maintain": _l("Begin a maintenance"),
    "end_maintenance": _l("End a maintenance"),
    "rules": _l("Make rules"),
    "channels": _l("Make channels"),
    "test": _l("Send a test"),
    "send_again": _l("Send again"),
    "runbook": _l("Write a runbook"),
    "redrive": _l("Re-drive in phases"),
    "stop_redrive": _l("Stop a re-drive"),
    "stop_worker": _l("Stop a worker"),
    "backfill": _l("Make up for missed runs"),
    "execute": _l("Execute"),
    "define": _l("Define what runs when"),
    "repair": _l("Repair Redis"),
    "try_again": _l("Try a row again"),
    "deploy": _l("Mark a deploy"),
    "audit": _l("Read the audit"),
    "users": _l("Manage users"),
    "settings": _l("Change settings"),
    "login": _l("Log in"),
    "logout": _l("Log out"),
    "password": _l("Change a password"),
    "end_sessions": _l("End sessions"),
}
VERBS: dict[str, LazyString] = (
    {action.row.audited_as: action.label for action in direct.ALL}
    | {action.verb: action.label for action in catalog.ALL.values()}
    | OTHERS
)


def register(app: Flask) -> None:
    """Make `verb_word` available to the templates."""
    app.jinja_env.globals["verb_word"] = verb_word


def verb_word(verb: str) -> str:
    """Return the label of a verb, or its name when it has no label."""
    return str(VERBS.get(verb, verb))
