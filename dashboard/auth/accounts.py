"""Users' accounts: finding and creating them, their passwords, the first administrator."""

from __future__ import annotations

import uuid

from email_validator import EmailNotValidError, validate_email
from flask import Flask, current_app
from flask_babel import gettext as _
from flask_security import Security, SQLAlchemyUserDatastore
from flask_security.utils import hash_password, verify_password
from sqlalchemy import exists, select, text
from sqlalchemy.exc import IntegrityError

from mahaam.core.errors import MahaamError
from mahaam.strength import is_own_address, is_weak_password, parts_of_address

from ..models import Role, User
from ..web import audit
from ..web.database import db
from ..web.native_thread import aside

FIRST_ADMIN_LOCK = 7_406_120_452  # any constant; serializes the creation of the first admin
RANKS = {"viewer": 10, "operator": 20, "admin": 30}  # as in the table of roles
MIN_PASSWORD_LENGTH = 8
MAX_PASSWORD_LENGTH = 200


class AccountNotValid(MahaamError):
    """The account is not valid. `field` names the field that is wrong."""

    def __init__(self, message: str, *, field: str = "password") -> None:
        super().__init__(message)
        self.field = field


def register(app: Flask) -> None:
    """Let Flask-Security load users. None of its own pages can be reached."""
    datastore = SQLAlchemyUserDatastore(db, User, Role)
    Security(app, datastore, register_blueprint=False)
    _let_principal_rest(app)


def find_person(email: str) -> User | None:
    """Return the user with this address in any case, or None."""
    return db.session.scalar(select(User).where(User.email == email.strip().lower()))


def verified_person(email: str, password: str) -> User | None:
    """Return the active user with this password, or None. A wrong address takes equally long."""
    person = find_person(email)
    if person is None:
        aside(hash_password, password)
        return None
    is_right = aside(verify_password, password, person.password)
    if is_right and current_app.extensions["security"].pwd_context.needs_update(person.password):
        person.password = aside(hash_password, password)
        db.session.commit()
    return person if is_right and person.active else None


def is_password_of(person: User, password: str) -> bool:
    """Return True if this is the user's password."""
    if "\x00" in password or len(password) > MAX_PASSWORD_LENGTH:
        return False
    return bool(aside(verify_password, password, person.password))


def checked_email(email: str) -> str:
    """Return an address in its normal form. Raises AccountNotValid."""
    try:
        return validate_email(email, check_deliverability=False).normalized
    except EmailNotValidError as fault:
        raise AccountNotValid(
            _("%(email)s is not an e-mail address. %(why)s", email=email[:100], why=fault),
            field="email",
        ) from None


def create_person(
    email: str, *, password: str, role: str, by: str = "system", may_be_weak: bool = False
) -> User:
    """Create a user and return it. Raises AccountNotValid."""
    check_password(password, email=email, may_be_weak=may_be_weak)
    taken = _("%(email)s has an account already.", email=email)
    if find_person(email):
        raise AccountNotValid(taken, field="email")
    check_role(role)
    person = User(
        email=email.strip().lower(),
        password=aside(hash_password, password),
        role_name=role,
        fs_uniquifier=uuid.uuid4().hex,
    )
    db.session.add(person)
    try:
        db.session.flush()
    except IntegrityError:  # somebody else has just created it
        db.session.rollback()
        raise AccountNotValid(taken, field="email") from None
    audit.write("users", "user", [person.email], by=by, after={"created": True, "role": role})
    db.session.commit()
    return person


def create_first_admin(email: str, *, password: str, by: str = "system") -> User | None:
    """Create an administrator, or return None if there is one. Two calls at once create only one."""
    db.session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": FIRST_ADMIN_LOCK})
    if db.session.scalar(select(exists().where(User.role_name == "admin"))):
        db.session.rollback()
        return None
    # In production the configuration check refused a weak password; elsewhere the developer decides.
    return create_person(email, password=password, role="admin", by=by, may_be_weak=True)


def _let_principal_rest(app: Flask) -> None:
    # Flask-Principal would load the user for every static file and for /healthz; login_required.py
    # does so for pages, and access.py decides.
    hooks = app.before_request_funcs[None]
    hooks[:] = [hook for hook in hooks if hook.__module__ != "flask_principal"]


def check_role(role: str) -> None:
    """Check that a role exists. Raises AccountNotValid."""
    if role not in RANKS:
        raise AccountNotValid(_("There is no role %(role)s.", role=repr(role[:50])), field="role")


def check_password(password: str, *, email: str, may_be_weak: bool = False) -> None:
    """Raises AccountNotValid if a password is too short, too long, easy to guess or cannot be stored."""
    is_storable = "\x00" not in password
    if not MIN_PASSWORD_LENGTH <= len(password) <= MAX_PASSWORD_LENGTH or not is_storable:
        raise AccountNotValid(
            _(
                "A password needs %(low)s to %(high)s characters; this one has %(count)s.",
                low=MIN_PASSWORD_LENGTH,
                high=MAX_PASSWORD_LENGTH,
                count=len(password),
            )
        )
    if may_be_weak:
        return
    if is_own_address(password, email):
        raise AccountNotValid(_("A password must not be one's own address."))
    if is_weak_password(password, about=(*parts_of_address(email), "mahaam")):
        raise AccountNotValid(
            _(
                "This password is easy to guess. Take several words that do not belong together, or "
                "have a password manager make one."
            )
        )
