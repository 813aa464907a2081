"""Preferences of a user: the language, and light or dark."""

from __future__ import annotations

from flask import Blueprint, Flask, abort, g, redirect, request, session
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from ..web import cookies
from ..web.database import db
from ..web.languages import LANGUAGES
from .login_required import safe_path

THEMES = ("auto", "light", "dark")
COOKIE_LIFE_S = 365 * 24 * 3600

blueprint = Blueprint("preferences", __name__)


def register(app: Flask) -> None:
    """Store the choices that are sent to /preferences/."""
    app.register_blueprint(blueprint)


def current_theme() -> str:
    """Return auto, light or dark: the browser's choice, else the user's choice in another browser."""
    person = g.get("person")
    theme = request.cookies.get("theme") or (person.theme if person else None)
    return theme if theme in THEMES else "auto"


def theme_words() -> dict[str, str]:
    """Return the labels of the themes."""
    return {"auto": _("As the system"), "light": _("Light"), "dark": _("Dark")}


@blueprint.post("/preferences/")
def save() -> ResponseReturnValue:
    """Store a language or a theme and go back to the page before."""
    language, theme = request.form.get("language"), request.form.get("theme")
    if (language and language not in LANGUAGES) or (theme and theme not in THEMES):
        abort(400)
    if language:
        _remember_language(language)
    response = redirect(safe_path(request.form.get("next")), code=303)
    if theme:
        _remember_theme(theme)
        response.set_cookie(
            "theme",
            theme,
            max_age=COOKIE_LIFE_S,
            httponly=True,
            samesite="Lax",
            path=cookies.path(),
            secure=cookies.is_secure(),
        )
    return response


def _remember_theme(theme: str) -> None:
    if g.person is not None:
        g.person.theme = theme
        db.session.commit()


def _remember_language(code: str) -> None:
    session["language"] = code
    if g.person is not None:
        g.person.language = code
        db.session.commit()
