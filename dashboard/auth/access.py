"""Access rights: the only table of who may do what, and the only check of it."""

from __future__ import annotations

from flask import abort, g

from mahaam.verb_table import RIGHTS

from ..models import User
from ..web import audit
from .accounts import RANKS

VIEWER, OPERATOR, ADMIN = RANKS

# rights that are not in the table of verbs -> the lowest role that has them
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
    # the console itself
    "audit": ADMIN,
    "users": ADMIN,
    "settings": ADMIN,
}

# verb -> the lowest role that may run it
NEEDED: dict[str, str] = OTHERS | RIGHTS


def is_allowed(person: User | None, verb: str) -> bool:
    """Return True if this user may do `verb`. Without a user it is False."""
    return person is not None and RANKS[person.role_name] >= RANKS[NEEDED[verb]]


def may(verb: str) -> bool:
    """Return True if the user of this request may do `verb`."""
    return is_allowed(g.get("person"), verb)


def require(verb: str) -> None:
    """Answer 403 unless the user of this request may do `verb`, and audit the refusal."""
    if not may(verb):
        audit.refuse(verb)
        abort(403)
