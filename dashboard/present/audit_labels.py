"""What the audit calls the things that people do."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

VERBS: dict[str, LazyString] = {
    "look": _l("Look at a page"),
    "export": _l("Export"),
    "save_view": _l("Save a view"),
    "share_view": _l("Share a view"),
    "create": _l("Create"),
    "retry": _l("Retry"),
    "cancel": _l("Cancel"),
    "clear": _l("Clear a queue"),
    "rank": _l("Change a queue's rank"),
    "stop": _l("Stop"),
    "promote": _l("Run now"),
    "reschedule": _l("Reschedule"),
    "set_priority": _l("Change the priority"),
    "move": _l("Move to another queue"),
    "edit": _l("Edit"),
    "duplicate": _l("Duplicate"),
    "fail": _l("Turn into failed"),
    "clean": _l("Delete what has ended"),
    "reprocess": _l("Reprocess"),
    "resolve": _l("Resolve"),
    "assign": _l("Assign"),
    "notify": _l("Notify"),
    "acknowledge": _l("Acknowledge"),
    "silence": _l("Silence"),
    "maintain": _l("Begin a maintenance"),
    "end_maintenance": _l("End a maintenance"),
    "rules": _l("Make rules"),
    "channels": _l("Make channels"),
    "test": _l("Send a test"),
    "send_again": _l("Send again"),
    "annotate": _l("Write a note"),
    "ignore": _l("Ignore"),
    "watch": _l("Watch again"),
    "runbook": _l("Write a runbook"),
    "redrive": _l("Re-drive in phases"),
    "stop_redrive": _l("Stop a re-drive"),
    "pause": _l("Pause"),
    "resume": _l("Resume"),
    "quiet": _l("Make quiet"),
    "wake": _l("Wake"),
    "stop_worker": _l("Stop a worker"),
    "resize": _l("Resize"),
    "enable": _l("Enable"),
    "disable": _l("Disable"),
    "run": _l("Run now"),
    "backfill": _l("Make up for missed runs"),
    "back_to_code": _l("Go back to the code"),
    "delete": _l("Delete"),
    "execute": _l("Execute"),
    "define": _l("Define what runs when"),
    "abort": _l("Abort bulk work"),
    "undo": _l("Undo"),
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
KINDS: dict[str, LazyString] = {
    "row": _l("row"),
    "job": _l("job"),
    "dead_letter": _l("dead letter"),
    "error_group": _l("error group"),
    "alert": _l("alert"),
    "alert_rule": _l("alert rule"),
    "channel": _l("channel"),
    "delivery": _l("delivery"),
    "maintenance": _l("maintenance"),
    "queue": _l("queue"),
    "task": _l("task"),
    "worker": _l("worker"),
    "operation": _l("operation"),
    "schedule": _l("schedule"),
    "definition": _l("definition"),
    "user": _l("user"),
    "setting": _l("setting"),
    "list": _l("list"),
    "page": _l("page"),
    "view": _l("view"),
    "deploy": _l("deploy"),
}
REFUSALS: dict[str, LazyString] = {
    "role": _l("refused: the role does not allow it"),
    "wrong": _l("refused: wrong address or password"),
}
ROLES: dict[str, LazyString] = {
    "viewer": _l("viewer"),
    "operator": _l("operator"),
    "admin": _l("administrator"),
}
CHOICES: dict[str, LazyString] = {
    "on": _l("on"),
    "off": _l("off"),
    "red": _l("red"),
    "orange": _l("orange"),
    "green": _l("green"),
    "blue": _l("blue"),
    "purple": _l("purple"),
    "grey": _l("grey"),
}


def verb_word(verb: str) -> str:
    """The words for a verb."""
    return str(VERBS.get(verb, verb))


def kind_word(kind: str) -> str:
    """The word for a kind of target."""
    return str(KINDS.get(kind, kind))


def refusal_word(refused: str) -> str:
    """Why something was refused."""
    return str(REFUSALS.get(refused, refused))


def role_word(role: str) -> str:
    """The word for a role."""
    return str(ROLES.get(role, role))


def choice_word(value: str) -> str:
    """The word for one of the values that a setting can have."""
    return str(CHOICES.get(value, value))
