"""Labels of kinds of targets, of refusals, roles and values of settings."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

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


def kind_word(kind: str) -> str:
    """Return the label of a kind of target."""
    return str(KINDS.get(kind, kind))


def refusal_word(refused: str) -> str:
    """Return the label of the reason why something was refused."""
    return str(REFUSALS.get(refused, refused))


def role_word(role: str) -> str:
    """Return the label of a role."""
    return str(ROLES.get(role, role))


def choice_word(value: str) -> str:
    """Return the label of one of the values that a setting can have."""
    return str(CHOICES.get(value, value))
