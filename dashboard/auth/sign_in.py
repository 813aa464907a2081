"""The login page, and logging out."""

from __future__ import annotations

from flask import Blueprint, Flask, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from ..web import audit
from ..web.database import db
from . import accounts, login_throttle, sessions
from .login_required import safe_path

UNKNOWN = "unknown"

blueprint = Blueprint("sign_in", __name__, url_prefix="/admin")


def register(app: Flask) -> None:
    """Add the pages /admin/login/ and /admin/logout/."""
    app.register_blueprint(blueprint)


@blueprint.get("/login/")
def form() -> ResponseReturnValue:
    """Show the login page, or redirect a user who is already logged in."""
    if g.person is not None:
        return redirect(safe_path(request.args.get("next")))
    return _page(request.args.get("next"))


@blueprint.post("/login/")
def enter() -> ResponseReturnValue:
    """Log a user in, or show one sentence that does not reveal which accounts exist."""
    email, password = request.form.get("email", ""), request.form.get("password", "")
    target = request.form.get("next")
    address = request.remote_addr or "unknown"
    if login_throttle.is_closed(address, email):
        return _page(target, _("Too many failed logins. Wait five minutes and try again.")), 429
    person = _verified(email, password)
    if person is None:
        login_throttle.note_failure(address, email)
        _audit("login", _known(email), refused="wrong")
        return _page(target, _("The e-mail address or the password is wrong.")), 401
    login_throttle.forgive(address, email)
    sessions.begin(person)
    _audit("login", person.email)
    return redirect(safe_path(target), code=303)


@blueprint.post("/logout/")
def leave() -> ResponseReturnValue:
    """End the session, on the server as well, so that a copy of the cookie opens nothing any more."""
    sessions.end()
    _audit("logout", g.person.email)
    session.clear()
    return redirect(url_for("sign_in.form"), code=303)


def _verified(email: str, password: str) -> accounts.User | None:
    if "\x00" in email + password or len(password) > accounts.MAX_PASSWORD_LENGTH:
        return None
    return accounts.verified_person(email, password)


def _known(email: str) -> str:
    """Return the address of an account, else UNKNOWN: what was typed instead may be a password."""
    person = None if "\x00" in email else accounts.find_person(email)
    return person.email if person else UNKNOWN


def _audit(verb: str, email: str, *, refused: str | None = None) -> None:
    name = email.strip().lower()[:254]
    audit.write(verb, "user", [name], by=name, refused=refused)
    db.session.commit()


def _page(target: str | None, fault: str | None = None) -> str:
    return render_template(
        "sign_in.html", target=target, fault=fault, email=request.form.get("email")
    )
