"""What people see: the Flask application of the control room."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from config import PROJECT_DIR, get_settings
from dashboard.flask_config import flask_config

# In this order: what stands later may use what stands earlier.
PARTS = (
    "dashboard.bounded_request",
    "dashboard.database",
    "dashboard.health",
    "dashboard.trusted_hosts",
    "dashboard.headers",
    "dashboard.faults",
    "dashboard.audit",
    "dashboard.accounts",
    "dashboard.gate",
    "dashboard.languages",
    "dashboard.preferences",
    "dashboard.presentation",
    "dashboard.sign_in",
    "dashboard.snapshot",
    "dashboard.console",
    "dashboard.users",
    "dashboard.cli",
)
OPTIONAL = frozenset({"dashboard.cli"})


def create_app(**overrides: Any) -> Flask:
    """The application, ready for requests; `overrides` replace entries of its configuration.

    Raises ConfigurationFault.
    """
    app = Flask(
        __name__,
        template_folder=str(PROJECT_DIR / "templates"),
        static_folder=str(PROJECT_DIR / "static"),
    )
    settings = get_settings()
    app.config.update(flask_config(settings))
    app.config.update(overrides)
    for part in PARTS:
        if part not in OPTIONAL or importlib.util.find_spec(part):
            importlib.import_module(part).register(app)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]
    return app
