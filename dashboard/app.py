"""Makes the Flask application of the console."""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from mahaam.alerts import pages
from mahaam.config import PROJECT_DIR, Settings, get_settings

from .addresses import ADDRESSES
from .web.flask_config import flask_config
from .web.prefix import Prefix
from .web.request_slots import RequestSlots
from .web.trusted_hosts import HostCheck

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

# Registered in this order: a later part may use an earlier one.
PARTS = (
    "dashboard.web.bounded_request",
    "dashboard.web.database",
    "dashboard.web.health",
    "dashboard.web.prefix",
    "dashboard.web.headers",
    "dashboard.web.error_pages",
    "dashboard.web.audit",
    "dashboard.auth.accounts",
    "dashboard.auth.login_required",
    "dashboard.web.languages",
    "dashboard.auth.preferences",
    "dashboard.present.template_helpers",
    "dashboard.actions.audit_labels",
    "dashboard.auth.sign_in",
    "dashboard.live.snapshot",
    "dashboard.console",
    "dashboard.cli.users",
    "dashboard.cli",
)
OPTIONAL = frozenset({"dashboard.cli"})


def create_app(**overrides: Any) -> Flask:
    """Return the application, ready for requests. `overrides` replace entries of its configuration.

    Raises ConfigurationFault.
    """
    pages.use(ADDRESSES)
    app = Flask(
        "dashboard",
        template_folder=str(PROJECT_DIR / "templates"),
        static_folder=str(PROJECT_DIR / "static"),
    )
    settings = get_settings()
    app.config.update(flask_config(settings))
    app.config.update(overrides)
    for part in PARTS:
        if part not in OPTIONAL or importlib.util.find_spec(part):
            importlib.import_module(part).register(app)
    app.wsgi_app = _edge(app.wsgi_app, settings)  # type: ignore[method-assign, assignment]
    return app


def _edge(inner: WSGIApplication, settings: Settings) -> WSGIApplication:
    """Return the application within the middleware that each request passes, the outermost last."""
    inner = RequestSlots(inner, settings.web_threads)
    inner = HostCheck(inner, settings.trusted_hosts)
    inner = Prefix(inner, settings)
    hops = settings.trusted_proxies
    return ProxyFix(inner, x_for=hops, x_proto=hops) if hops else inner
