"""Who may do what: the only table that says so, and the only check of it."""

from __future__ import annotations

from flask import abort, g

from mahaam.verb_table import RIGHTS

from ..models import User
from ..web import audit
from .accounts import RANKS

VIEWER, OPERATOR, ADMIN = RANKS

# what is no row of the table of verbs -> the lowest role that may
OTHERS = {
    "look": VIEWER,
    "export": VIEWER,
    "save_view": VIEWER,
    # jobs
    "create": OPERATOR,
    "edit": OPERATOR,
    "share_view": OPERATOR,
    # dead letters
    "runbook": OPERATOR,
    "redrive": OPERATOR,
    # alerts
    "maintain": OPERATOR,
    "rules": ADMIN,
    "channels": ADMIN,
    # schedules and definitions
    "backfill": OPERATOR,
    "execute": OPERATOR,
    # Redis
    "repair": OPERATOR,
    # the house
    "audit": ADMIN,
    "users": ADMIN,
    "settings": ADMIN,
}

# verb -> the lowest role that may
NEEDED: dict[str, str] = OTHERS | RIGHTS


def is_allowed(person: User | None, verb: str) -> bool:
    """Whether this person may do `verb`; nobody may do anything."""
    return person is not None and RANKS[person.role_name] >= RANKS[NEEDED[verb]]


def may(verb: str) -> bool:
    """Whether the person of this request may do `verb`."""
    return is_allowed(g.get("person"), verb)


def require(verb: str) -> None:
    """Answer 403 unless the person of this request may do `verb`; the refusal is audited."""
    if not may(verb):
        audit.refuse(verb)
        abort(403)
