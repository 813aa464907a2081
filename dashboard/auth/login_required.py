"""Requires a login for every page that is not public."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, abort, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import CSRFProtect
from werkzeug.routing import RequestRedirect

from ..web.health import ENDPOINTS
from ..web.prefix import here
from . import sessions

PUBLIC = frozenset({"static", *ENDPOINTS, "sign_in.form", "sign_in.enter", "preferences.save"})

csrf = CSRFProtect()


def register(app: Flask) -> None:
    """Identify the user of every request, before its form token is checked."""
    app.session_interface = sessions.CookieOfClicks()
    app.before_request(admit)
    csrf.init_app(app)


def admit() -> ResponseReturnValue | None:
    """Store the user of this request in `g.person`. Without a user, only public pages answer."""
    if request.endpoint in ("static", *ENDPOINTS):
        return None
    g.person = sessions.current_person()
    if g.person is not None or request.endpoint in PUBLIC:
        return None
    if request.endpoint is None and not _lacks_slash():
        abort(404)
    if request.method not in ("GET", "HEAD"):
        abort(401)
    return redirect(url_for("sign_in.form", next=_here()))


def _lacks_slash() -> bool:
    """Return True if the address is one of ours except for the slash at its end."""
    return isinstance(request.routing_exception, RequestRedirect)


def safe_path(target: str | None) -> str:
    """Return `target` if it is a path on this site, else the first page."""
    if not target or not target.startswith("/") or target.startswith("//"):
        return url_for("admin.index")
    if not target.startswith(f"{request.script_root}/"):
        return url_for("admin.index")
    # Browsers read \ as / and drop control characters; both can lead to another site.
    if "\\" in target or any(ord(sign) < 0x21 or ord(sign) == 0x7F for sign in target):
        return url_for("admin.index")
    parts = urlsplit(target)
    return target if not parts.scheme and not parts.netloc else url_for("admin.index")


def _here() -> str | None:
    path = here().rstrip("?")
    return path if path != url_for("admin.index") and len(path) < 1000 else None
