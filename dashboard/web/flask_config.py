"""The configuration of Flask and its extensions, made from the settings."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

from mahaam.addresses.postgres import DRIVER
from mahaam.config import PROJECT_DIR, Settings
from mahaam.postgres.database import open_limited

from .bounded_request import MOST_BYTES, MOST_FIELDS

LOCK_S = 5.0  # how long a page waits for a locked table


def flask_config(settings: Settings) -> dict[str, Any]:
    """Return the whole configuration of the Flask application."""
    return {
        "SECRET_KEY": settings.secret_key,
        "MAX_CONTENT_LENGTH": MOST_BYTES,
        "MAX_FORM_PARTS": MOST_FIELDS,
        "MAX_FORM_MEMORY_SIZE": 1024 * 1024,
        "SQLALCHEMY_DATABASE_URI": DRIVER,
        "SQLALCHEMY_ENGINE_OPTIONS": _engine_options(settings.web_threads),
        "WTF_CSRF_TIME_LIMIT": None,  # as long as the session: a form may be left open
        **_cookies(is_secure=settings.is_production),
        **_security(),
        **_languages(settings.default_language),
    }


def _engine_options(threads: int) -> dict[str, Any]:
    return {
        "pool_size": threads,
        "max_overflow": threads,  # a request may note its click, or take the snapshot, as well
        "pool_pre_ping": True,
        "pool_timeout": 5,
        # The limit for lists is shorter still (mahaam/postgres/query_limits.py).
        "creator": partial(open_limited, "mahaam web", lock_s=LOCK_S, autocommit=False),
    }


def _cookies(*, is_secure: bool) -> dict[str, Any]:
    return {
        "SESSION_COOKIE_NAME": "mahaam_session",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": is_secure,
        "PERMANENT_SESSION_LIFETIME": timedelta(days=7),
    }


def _security() -> dict[str, Any]:
    # argon2id salts each password itself; a shared salt in addition would be one more secret to lose.
    return {
        "SECURITY_PASSWORD_HASH": "argon2",
        "SECURITY_PASSWORD_SCHEMES": ["argon2"],
        "SECURITY_PASSWORD_SINGLE_HASH": True,
        "SECURITY_DEPRECATED_PASSWORD_SCHEMES": [],
        "SECURITY_CLI_USERS_NAME": False,
        "SECURITY_CLI_ROLES_NAME": False,
        "SECURITY_JOIN_USER_ROLES": False,
        "REMEMBER_COOKIE_HTTPONLY": True,
    }


def _languages(default: str) -> dict[str, Any]:
    return {
        "BABEL_DEFAULT_LOCALE": default,
        "BABEL_DEFAULT_TIMEZONE": "UTC",
        "BABEL_TRANSLATION_DIRECTORIES": str(PROJECT_DIR / "dashboard" / "translations"),
    }
