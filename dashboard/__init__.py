"""What people see: the console."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask


def create_app(**overrides: Any) -> Flask:
    """The application, ready for requests; `overrides` replace entries of its configuration.

    Flask is loaded now: consumers import `dashboard.addresses` alone. Raises ConfigurationFault.
    """
    from .app import create_app as create

    return create(**overrides)
