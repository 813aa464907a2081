"""The login page and the way out."""

from __future__ import annotations

from flask import Blueprint, Flask, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_security.utils import login_user, logout_user

from dashboard import accounts, throttle
from dashboard.gate import safe_path

blueprint = Blueprint("sign_in", __name__, url_prefix="/admin")


def register(app: Flask) -> None:
    """Answer at /admin/login/ and /admin/logout/."""
    app.register_blueprint(blueprint)


@blueprint.get("/login/")
def form() -> ResponseReturnValue:
    """The login page; whoever is in already goes on."""
    if g.person is not None:
        return redirect(safe_path(request.args.get("next")))
    return _page(request.args.get("next"))


@blueprint.post("/login/")
def enter() -> ResponseReturnValue:
    """Let a person in, or say one sentence that tells nothing about who exists."""
    email, password = request.form.get("email", ""), request.form.get("password", "")
    target = request.form.get("next")
    address = request.remote_addr or "unknown"
    if throttle.is_closed(address, email):
        return _page(target, _("Too many failed logins. Wait five minutes and try again.")), 429
    person = _verified(email, password)
    if person is None:
        throttle.note_failure(address, email)
        return _page(target, _("The e-mail address or the password is wrong.")), 401
    throttle.forgive(address, email)
    _begin_session(person)
    return redirect(safe_path(target), code=303)


@blueprint.post("/logout/")
def leave() -> ResponseReturnValue:
    """End the session."""
    logout_user()
    session.clear()
    return redirect(url_for("sign_in.form"), code=303)


def _verified(email: str, password: str) -> accounts.User | None:
    if "\x00" in email + password or len(password) > accounts.MAX_PASSWORD_LENGTH:
        return None
    return accounts.verified_person(email, password)


def _begin_session(person: accounts.User) -> None:
    language = session.get("language")
    session.clear()
    login_user(person)
    session.permanent = True
    if language:
        session["language"] = language


def _page(target: str | None, fault: str | None = None) -> str:
    return render_template(
        "sign_in.html", target=target, fault=fault, email=request.form.get("email")
    )
