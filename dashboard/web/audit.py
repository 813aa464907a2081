"""The actor of a request for the audit, and audit events of what has no verb of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Flask, g, request

from mahaam.audit import record, store
from mahaam.audit.record import AuditRecord
from mahaam.core import actor
from mahaam.core.actor import NOBODY, Actor

from .database import db

AGENT_LIMIT_BYTES = 200


def register(app: Flask) -> None:
    """Set the actor of each request at its beginning and clear it at its end."""
    app.before_request(begin)
    app.teardown_request(end)


def begin() -> None:
    """Set the actor of this request: the console, and the address of the client."""
    if request.endpoint != "static":
        actor.begin(Actor("console", request.remote_addr))


def end(_fault: BaseException | None) -> None:
    """Clear the actor, because the thread serves somebody else next."""
    actor.begin(NOBODY)


def refuse(verb: str) -> None:
    """Audit that the user of this request may not do `verb`."""
    record.note(
        AuditRecord(
            actor=g.person.email if g.person else "nobody",
            verb=verb,
            kind="page",
            targets=[request.path],
            refused="role",
        )
    )


def write(verb: str, kind: str, targets: Sequence[str], *, by: str, **facts: Any) -> None:
    """Audit what this transaction of the console's session does. The event commits with it."""
    link: Any = db.session.connection().connection
    with link.cursor() as cursor:
        event = AuditRecord(actor=by, verb=verb, kind=kind, targets=targets, **facts)
        store.add(cursor, event, actor.current())
