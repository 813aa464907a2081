"""Changes of users' accounts. Each change is audited in its transaction."""

from __future__ import annotations

import uuid

from flask_babel import gettext as _
from flask_security.utils import hash_password
from sqlalchemy import select

from ..models import User
from ..web import audit
from ..web.database import db
from ..web.native_thread import aside
from . import sessions
from .accounts import AccountNotValid, check_password, check_role, find_person


def person_called(email: str) -> User:
    """Return the user with this address. Raises AccountNotValid."""
    person = find_person(email)
    if person is None:
        raise AccountNotValid(_("%(email)s has no account.", email=email))
    return person


def set_role(person: User, role: str, *, by: str) -> bool:
    """Give a user a role. Return True if the role changed. Raises AccountNotValid."""
    check_role(role)
    before = person.role_name
    if before == role:
        return False
    _keep_an_admin(person)
    person.role_name = role
    audit.write(
        "users", "user", [person.email], by=by, before={"role": before}, after={"role": role}
    )
    db.session.commit()
    return True


def set_active(person: User, is_active: bool, *, by: str) -> bool:
    """Let a user in, or keep the user out and end the user's sessions. Return True if this changed.

    Raises AccountNotValid.
    """
    if person.active == is_active:
        return False
    if not is_active:
        _keep_an_admin(person)
        sessions.end_all(person)
    person.active = is_active
    before, after = {"active": not is_active}, {"active": is_active}
    audit.write("users", "user", [person.email], by=by, before=before, after=after)
    db.session.commit()
    return True


def set_password(person: User, password: str, *, by: str, keep: bytes | None = None) -> None:
    """Change a password and end the user's sessions except `keep`. Raises AccountNotValid."""
    check_password(password, email=person.email)
    person.password = aside(hash_password, password)
    person.fs_uniquifier = uuid.uuid4().hex
    ended = sessions.end_all(person, but=keep)
    audit.write(
        "password", "user", [person.email], by=by, after={"password": "changed", "ended": ended}
    )
    db.session.commit()


def end_sessions(person: User, *, by: str) -> int:
    """Log a user out everywhere. Return the number of sessions that ended."""
    ended = sessions.end_all(person)
    audit.write("end_sessions", "user", [person.email], by=by, after={"ended": ended})
    db.session.commit()
    return ended


def _keep_an_admin(person: User) -> None:
    """Refuse to remove the last admin. Locks the admins' rows, so that two changes wait for each other."""
    question = select(User.id).where(User.role_name == "admin", User.active)
    admins = db.session.scalars(question.order_by(User.id).with_for_update()).all()
    if admins == [person.id]:
        db.session.rollback()
        raise AccountNotValid(
            _("%(email)s is the last administrator. Make another one first.", email=person.email)
        )
