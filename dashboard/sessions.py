"""Who is logged in, in which browsers: a random token in the cookie, its hash and its times in a row."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from flask import Flask, request, session
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from sqlalchemy import CursorResult, Delete, delete, func, select, update

from dashboard.audit import AGENT_LIMIT_BYTES
from dashboard.database import db
from dashboard.models import User, UserSession
from tasks.engine import live_settings
from tasks.engine.arguments import clean

TOKEN = "token"  # noqa: S105 (its name in the cookie)
NOTE_AFTER = timedelta(minutes=1)  # a click is not noted when the last one was noted just before


class CookieOfClicks(SecureCookieSessionInterface):
    """Gives the cookie a longer life when the person does something.

    A refresh that was under way would bring back the cookie of before a logout or a choice.
    """

    def should_set_cookie(self, app: Flask, session: SessionMixin) -> bool:
        """Whether this answer brings the cookie."""
        is_click = request.endpoint != "static" and not _is_refresh()
        return session.modified or (is_click and super().should_set_cookie(app, session))


def begin(person: User) -> None:
    """Log a person in, in the browser of this request; who was logged in there is not any more."""
    language = session.get("language")
    end()
    session.clear()
    token = secrets.token_urlsafe(32)
    agent = clean(request.headers.get("User-Agent", ""), AGENT_LIMIT_BYTES)
    db.session.execute(_forgotten())
    db.session.add(
        UserSession(
            token_hash=_hash(token), user_id=person.id, address=request.remote_addr, agent=agent
        )
    )
    session.permanent = True
    session[TOKEN] = token
    if language:
        session["language"] = language


def current_person() -> User | None:
    """The person of this request; None when nobody is logged in, or the session has rested too long."""
    token = session.get(TOKEN)
    if not isinstance(token, str):
        return None
    question = select(UserSession, func.now()).where(
        UserSession.token_hash == _hash(token), UserSession.seen_at > func.now() - _idle()
    )
    row = db.session.execute(question).first()
    if row is None or not row[0].user.active:
        return None
    known, now = row
    _note_click(known, now)
    return known.user


def current_hash() -> bytes | None:
    """What the row of this request's session is known by."""
    token = session.get(TOKEN)
    return _hash(token) if isinstance(token, str) else None


def end() -> None:
    """Log out in the browser of this request; commits with what is done besides."""
    token_hash = current_hash()
    if token_hash is not None:
        db.session.execute(delete(UserSession).where(UserSession.token_hash == token_hash))


def end_all(person: User, *, but: bytes | None = None) -> int:
    """Log a person out everywhere, `but` in one session; how many ended. Commits with the rest."""
    order = delete(UserSession).where(UserSession.user_id == person.id)
    if but is not None:
        order = order.where(UserSession.token_hash != but)
    return _count(order)


def end_one(person: User, token_hash: bytes) -> bool:
    """Log a person out in one browser; whether there was such a session."""
    order = delete(UserSession).where(
        UserSession.user_id == person.id, UserSession.token_hash == token_hash
    )
    return _count(order) > 0


def sessions_of(person: User) -> Sequence[UserSession]:
    """Where a person is logged in, the most recent first."""
    question = select(UserSession).where(
        UserSession.user_id == person.id, UserSession.seen_at > func.now() - _idle()
    )
    return db.session.scalars(question.order_by(UserSession.seen_at.desc()).limit(100)).all()


def _note_click(known: UserSession, now: datetime) -> None:
    """Remember that the person did something: a page that refreshes itself is nobody's doing."""
    if _is_refresh() or now - known.seen_at < NOTE_AFTER:
        return
    order = update(UserSession).where(UserSession.token_hash == known.token_hash)
    with db.engine.begin() as link:  # beside the transaction that this request reads in
        link.execute(order.values(seen_at=func.now()))


def _is_refresh() -> bool:
    return request.method == "GET" and "HX-Request" in request.headers


def _forgotten() -> Delete:
    return delete(UserSession).where(UserSession.seen_at < func.now() - _idle())


def _count(order: Delete) -> int:
    done = db.session.execute(order)
    assert isinstance(done, CursorResult)
    return done.rowcount


def _idle() -> timedelta:
    return timedelta(minutes=live_settings.value("session_idle_min"))


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
