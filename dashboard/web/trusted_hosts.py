"""Answers only requests for the host names that are ours, because a Host header may say anything."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from werkzeug.sansio.utils import host_is_trusted
from werkzeug.wrappers import Response

from .health import PROBES

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# A page of the console would need addresses, which begin with the host name that is refused.
REFUSED = (
    "Mahaam does not answer to this host name. Use the address that your administrator gave you; "
    "the setting TRUSTED_HOSTS lists the names.\n"
)


class HostCheck:
    """Middleware that refuses a Host header that is no host name or not in `trusted` (empty: any)."""

    def __init__(self, application: WSGIApplication, trusted: Collection[str]) -> None:
        self._application = application
        self._trusted = tuple(name.lower() for name in trusted)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer 400 to a wrong name. A probe asks by address, so that every name is right for it."""
        host = environ.get("HTTP_HOST", "").lower()
        is_probe = environ.get("PATH_INFO", "") in PROBES
        if host_is_trusted(host, () if is_probe else self._trusted):
            return self._application(environ, start_response)
        refused = Response(REFUSED, status=400, mimetype="text/plain")
        refused.headers["X-Content-Type-Options"] = "nosniff"
        return refused(environ, start_response)
