"""The console: the web application with its pages, and the commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask


def create_app(**overrides: Any) -> Flask:
    """Return the application, ready for requests. `overrides` replace entries of its configuration.

    Flask is imported only here, because consumers import only `dashboard.addresses`. Raises
    ConfigurationFault.
    """
    from .app import create_app as create

    return create(**overrides)
