"""The name, the path and the `Secure` flag of the console's cookies."""

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
    """Return True if the user reaches us by https, as a trusted proxy or PUBLIC_URL says."""
    public = urlsplit(get_settings().public_url or "")
    return request.is_secure or (public.scheme == "https" and request.host == public.netloc)


def is_secure() -> bool:
    """Return True if cookies may be sent over https only."""
    return is_https() or bool(current_app.config["SESSION_COOKIE_SECURE"])


def path() -> str:
    """Return the path of the console, for cookies that do not belong to the whole host."""
    return request.script_root or "/"


def session_name(plain: str) -> str:
    """Return the name of the session's cookie.

    Over https the cookie belongs to the whole host, where another console may have another path.
    """
    if not is_https():
        return plain
    own_path = NOT_IN_A_NAME.sub("_", request.script_root).strip("_")
    return f"{HOST_ONLY}{plain}" + (f"_{own_path}" if own_path else "")


def session_path() -> str:
    """Return the path of the session's cookie."""
    return "/" if is_https() else path()
