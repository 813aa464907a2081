"""Support for a console under a path other than the root of its host, such as /ops/mahaam."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask, request

from mahaam.config import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PATH = re.compile(r"(/[\w.~-]+)+", re.ASCII)
OWN = re.compile(r"/(admin|static|jobs|preferences|livez|readyz|healthz)?(/|$)")


class Prefix:
    """Middleware that tells the application its path, from which all its addresses are made.

    The path comes from the server (SCRIPT_NAME), else from a trusted proxy (X-Forwarded-Prefix), else
    from PUBLIC_URL. A proxy may cut the path off or leave it on.
    """

    def __init__(self, application: WSGIApplication, settings: Settings) -> None:
        self._application = application
        self._own = _checked(urlsplit(settings.public_url or "").path)
        self._has_proxy = settings.trusted_proxies > 0

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Pass the request on with the prefix in SCRIPT_NAME."""
        if not environ.get("SCRIPT_NAME") and (prefix := self._prefix(environ)):
            environ["SCRIPT_NAME"] = prefix
            environ["PATH_INFO"] = _without(prefix, environ.get("PATH_INFO", ""))
        return self._application(environ, start_response)

    def _prefix(self, environ: WSGIEnvironment) -> str:
        given = environ.get("HTTP_X_FORWARDED_PREFIX", "") if self._has_proxy else ""
        return _checked(given.rpartition(",")[2].strip()) or self._own


def here(*, query: bool = True) -> str:
    """Return the address of this page on its host, with its query unless `query` is False."""
    return request.script_root + (request.full_path if query else request.path)


def register(app: Flask) -> None:
    """Make `here` available to the templates."""
    app.jinja_env.globals["here"] = here


def _checked(path: str) -> str:
    """Return the path without its last slash, or an empty text when it is not a valid prefix."""
    path = path.rstrip("/")
    return path if PATH.fullmatch(path) else ""


def _without(prefix: str, path: str) -> str:
    """Return the path below the prefix, whether the proxy has cut that off or not."""
    rest = path.removeprefix(prefix)
    is_left_on = path.startswith(f"{prefix}/") or path == prefix
    return (rest or "/") if is_left_on and OWN.match(rest or "/") else path
