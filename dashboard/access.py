"""Who may do what: the only table that says so, and the only check of it."""

from __future__ import annotations

from flask import abort, g

from dashboard.models import User

VIEWER, OPERATOR, ADMIN = "viewer", "operator", "admin"
RANKS = {VIEWER: 10, OPERATOR: 20, ADMIN: 30}

# verb -> the lowest role that may
NEEDED = {
    "look": VIEWER,
    "create": OPERATOR,
    "retry": OPERATOR,
    "cancel": OPERATOR,
    "stop": OPERATOR,
    "reprocess": OPERATOR,
    "resolve": OPERATOR,
}


def is_allowed(person: User | None, verb: str) -> bool:
    """Whether this person may do `verb`; nobody may do anything."""
    return person is not None and RANKS[person.role_name] >= RANKS[NEEDED[verb]]


def may(verb: str) -> bool:
    """Whether the person of this request may do `verb`."""
    return is_allowed(g.get("person"), verb)


def require(verb: str) -> None:
    """Answer 403 unless the person of this request may do `verb`."""
    if not may(verb):
        abort(403)
