"""One application on one database for all tests of the console; its rows go after each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import pytest
from flask import Flask

from dashboard import create_app
from dashboard.auth import access
from dashboard.auth.accounts import create_person
from mahaam import config
from mahaam.enqueuing import accept
from mahaam.postgres import database
from tests.dashboard.browser import PASSWORD, Browser
from tests.dashboard.rows import ask
from tests.servers import TestServers, fresh_database

CHEAP = {"argon2__time_cost": 1, "argon2__memory_cost": 8, "argon2__parallelism": 1}
# With few rows DELETE is many times faster than TRUNCATE; attempts and letters go with their job.
CLEAN = """
DELETE FROM job; DELETE FROM worker; DELETE FROM job_minute; DELETE FROM sent_form;
DELETE FROM job_period; DELETE FROM deploy; DELETE FROM task_pause; DELETE FROM operation;
DELETE FROM schedule; DELETE FROM task_definition; DELETE FROM error_group; DELETE FROM failure;
DELETE FROM redrive; DELETE FROM alert; DELETE FROM alert_delivery; DELETE FROM maintenance;
DELETE FROM alert_rule; DELETE FROM channel; DELETE FROM task_runbook; DELETE FROM set_aside;
UPDATE queue SET paused_at = NULL, paused_by = NULL, pause_reason = NULL, resume_at = NULL;
UPDATE "user" SET language = NULL
"""
LogIn = Callable[[str], Browser]


@pytest.fixture(scope="package")
def shared_database(servers: TestServers) -> Iterator[str]:
    """The database of all tests here, where this process enqueues, too."""
    with fresh_database(servers) as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", url)
        patch.setenv("REDIS_URL", servers.redis.url)
        _forget_engine()
        yield url
        database.pool().dispose()
    _forget_engine()


@pytest.fixture(autouse=True)
def _without_rows(shared_database: str, redis_url: str) -> None:
    run(shared_database, CLEAN)


@pytest.fixture
def app(shared_database: str) -> Flask:
    """The application, with one person of each role."""
    app = _app_on(shared_database)
    forget_shared(app)
    return app


@pytest.fixture
def browser(app: Flask) -> Browser:
    """Somebody who has not logged in."""
    return Browser(app)


@pytest.fixture
def log_in(app: Flask) -> LogIn:
    """Log in as somebody of the given role."""

    return lambda role: Browser(app, cookie=_cookie_of(app, role))


@pytest.fixture
def operator(log_in: LogIn) -> Browser:
    """An operator who has logged in."""
    return log_in("operator")


def forget_shared(app: Flask) -> None:
    """Let the next request see the tables as they are, whatever another has just seen."""
    app.extensions["snapshot"].forget()
    app.extensions.pop("metrics", None)


def forget_logins() -> None:
    """Let whoever is wanted next log in anew."""
    _cookie_of.cache_clear()


def run(database_url: str, sql: str) -> None:
    """Run one statement and commit."""
    ask(sql, database_url=database_url)


@cache
def _app_on(_database_url: str) -> Flask:
    app = create_app(TESTING=False, SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS=CHEAP)
    with app.app_context():
        for role in access.RANKS:
            create_person(f"{role}@example.com", password=PASSWORD, role=role)
    return app


@cache
def _cookie_of(app: Flask, role: str) -> str:
    """The cookie that somebody of this role has right after logging in."""
    browser = Browser(app)
    assert browser.log_in(f"{role}@example.com").status_code == 303
    return browser.cookie


def _forget_engine() -> None:
    config.get_settings.cache_clear()
    for kept in (database.pool, accept.notice):
        kept.cache_clear()
