"""Who may do what: the only table that says so, and the only check of it."""

from __future__ import annotations

from flask import abort, g

from ..models import User
from ..web import audit
from .accounts import RANKS

VIEWER, OPERATOR, ADMIN = RANKS

# verb -> the lowest role that may
NEEDED = {
    "look": VIEWER,
    "export": VIEWER,
    "save_view": VIEWER,
    # jobs
    "create": OPERATOR,
    "retry": OPERATOR,
    "cancel": OPERATOR,
    "stop": OPERATOR,
    "promote": OPERATOR,
    "reschedule": OPERATOR,
    "set_priority": OPERATOR,
    "move": OPERATOR,
    "edit": OPERATOR,
    "duplicate": OPERATOR,
    "fail": OPERATOR,
    "clean": OPERATOR,
    "share_view": OPERATOR,
    # dead letters
    "reprocess": OPERATOR,
    "resolve": OPERATOR,
    "assign": OPERATOR,
    "notify": OPERATOR,
    "annotate": OPERATOR,
    "ignore": OPERATOR,
    "runbook": OPERATOR,
    "redrive": OPERATOR,
    # alerts
    "acknowledge": OPERATOR,
    "silence": OPERATOR,
    "maintain": OPERATOR,
    "rules": ADMIN,
    "channels": ADMIN,
    # queues, tasks, workers
    "pause": OPERATOR,
    "resume": OPERATOR,
    "quiet": OPERATOR,
    "wake": OPERATOR,
    "stop_worker": OPERATOR,
    "resize": OPERATOR,
    # schedules and definitions
    "enable": OPERATOR,
    "disable": OPERATOR,
    "run": OPERATOR,
    "backfill": OPERATOR,
    "execute": OPERATOR,
    "define": ADMIN,
    # bulk work, and Redis
    "abort": OPERATOR,
    "undo": OPERATOR,
    "repair": OPERATOR,
    # the house
    "audit": ADMIN,
    "users": ADMIN,
    "settings": ADMIN,
}


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
