"""Login sessions: a random token in the browser's cookie, and a row with its hash and its times."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from flask import Flask, request, session
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from sqlalchemy import ColumnElement, CursorResult, Delete, and_, delete, func, not_, select, update

from mahaam.core.payload import clean
from mahaam.live_settings import current

from ..models import User, UserSession
from ..web import cookies
from ..web.audit import AGENT_LIMIT_BYTES
from ..web.database import db

TOKEN = "token"  # noqa: S105 (its name in the cookie)
RANK = "rank"  # of the person's role at the last click
FORM_TOKEN = "csrf_token"  # noqa: S105 (Flask-WTF's name for it)
NOTE_AFTER = timedelta(minutes=1)  # a click so soon after a noted one is not noted


class CookieOfClicks(SecureCookieSessionInterface):
    """Session interface that renews the cookie only when the user does something.

    A refresh under way would otherwise bring back the cookie from before a logout or a choice.
    """

    def get_cookie_name(self, app: Flask) -> str:
        """Return the cookie's name, which depends on whether this request came by https."""
        return cookies.session_name(super().get_cookie_name(app))

    def get_cookie_path(self, app: Flask) -> str:
        """Return the cookie's path, which depends on whether this request came by https."""
        return cookies.session_path()

    def get_cookie_secure(self, app: Flask) -> bool:
        """Return True if the cookie may be sent over https only."""
        return cookies.is_secure()

    def should_set_cookie(self, app: Flask, session: SessionMixin) -> bool:
        """Return True if this response sets the cookie."""
        is_click = request.endpoint != "static" and not _is_refresh()
        return session.modified or (is_click and super().should_set_cookie(app, session))


def begin(person: User) -> None:
    """Log a user in, in the browser of this request. Whoever was logged in there is logged out."""
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
    session[RANK] = person.role.rank
    if language:
        session["language"] = language


def renew() -> None:
    """Give the session of this request another token, so that a copy of the old one opens nothing."""
    token = secrets.token_urlsafe(32)
    order = update(UserSession).where(UserSession.token_hash == current_hash())
    with db.engine.begin() as link:  # outside the transaction in which this request reads
        link.execute(order.values(token_hash=_hash(token)))
    session[TOKEN] = token
    session.pop(FORM_TOKEN, None)


def current_person() -> User | None:
    """Return the user of this request, or None if nobody is logged in or the session has ended."""
    token = session.get(TOKEN)
    if not isinstance(token, str):
        return None
    question = select(UserSession, func.now()).where(
        UserSession.token_hash == _hash(token), *_is_alive()
    )
    row = db.session.execute(question).first()
    if row is None or not row[0].user.active:
        return None
    known, now = row
    _note_click(known, now)
    _note_rank(known.user)
    return known.user


def current_hash() -> bytes | None:
    """Return the token hash of this request's session, which identifies its row, or None."""
    token = session.get(TOKEN)
    return _hash(token) if isinstance(token, str) else None


def end() -> None:
    """Log out in the browser of this request. The caller commits."""
    token_hash = current_hash()
    if token_hash is not None:
        db.session.execute(delete(UserSession).where(UserSession.token_hash == token_hash))


def end_all(person: User, *, but: bytes | None = None) -> int:
    """Log a user out of all sessions except `but`. Return how many ended. The caller commits."""
    order = delete(UserSession).where(UserSession.user_id == person.id)
    if but is not None:
        order = order.where(UserSession.token_hash != but)
    return _count(order)


def end_one(person: User, token_hash: bytes) -> bool:
    """Log a user out in one browser. Return True if there was such a session."""
    order = delete(UserSession).where(
        UserSession.user_id == person.id, UserSession.token_hash == token_hash
    )
    return _count(order) > 0


def sessions_of(person: User) -> Sequence[UserSession]:
    """Return the sessions of a user, the most recent first."""
    question = select(UserSession).where(UserSession.user_id == person.id, *_is_alive())
    return db.session.scalars(question.order_by(UserSession.seen_at.desc()).limit(100)).all()


def _note_click(known: UserSession, now: datetime) -> None:
    """Store the time at which the user did something. A page that refreshes itself does not count."""
    if _is_refresh() or now - known.seen_at < NOTE_AFTER:
        return
    order = update(UserSession).where(UserSession.token_hash == known.token_hash)
    with db.engine.begin() as link:  # outside the transaction in which this request reads
        link.execute(order.values(seen_at=func.now()))


def _note_rank(person: User) -> None:
    """Change the session's token if the user has got more rights since the last click."""
    rank, before = person.role.rank, session.get(RANK)
    if _is_refresh() or rank == before:
        return
    if before is None or rank > before:
        renew()
    session[RANK] = rank


def _is_refresh() -> bool:
    return request.method == "GET" and "HX-Request" in request.headers


def _forgotten() -> Delete:
    return delete(UserSession).where(not_(and_(*_is_alive())))


def _count(order: Delete) -> int:
    done = db.session.execute(order)
    assert isinstance(done, CursorResult)
    return done.rowcount


def _is_alive() -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of a valid session: it was used recently, and it is not too old."""
    idle = timedelta(minutes=current.value("session_idle_min"))
    longest = timedelta(hours=current.value("session_max_h"))
    return UserSession.seen_at > func.now() - idle, UserSession.began_at > func.now() - longest


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
