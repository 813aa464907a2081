"""Under which name, for which path and by which way our cookies travel."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from flask import current_app, request

from mahaam.config import get_settings

# A browser takes a cookie of this name only over https, for the whole host and from the host itself,
# so that neither a neighbour under the same domain nor somebody on the wire can plant one.
HOST_ONLY = "__Host-"
NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9]+")


def is_https() -> bool:
    """Return True if the person reaches us by https: a trusted proxy says so, or PUBLIC_URL does."""
    public = urlsplit(get_settings().public_url or "")
    return request.is_secure or (public.scheme == "https" and request.host == public.netloc)


def is_secure() -> bool:
    """Return True if cookies may travel by https alone."""
    return is_https() or bool(current_app.config["SESSION_COOKIE_SECURE"])


def path() -> str:
    """Return the path under which the console lies, for cookies that are not the whole host's."""
    return request.script_root or "/"


def session_name(plain: str) -> str:
    """Return the name of the session's cookie.

    Over https it belongs to the whole host, where another console may lie under another path.
    """
    if not is_https():
        return plain
    own_path = NOT_IN_A_NAME.sub("_", request.script_root).strip("_")
    return f"{HOST_ONLY}{plain}" + (f"_{own_path}" if own_path else "")


def session_path() -> str:
    """Return the path of the session's cookie."""
    return "/" if is_https() else path()
