"""One application and one database for all tests of the commands; its rows go after each test."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from flask import Flask

from dashboard import create_app
from mahaam import config
from mahaam.enqueuing import accept
from mahaam.postgres import database
from tests.dashboard.rows import ask
from tests.machine import within
from tests.servers import TestServers, fresh_database
from tests.waiting import wait_until

FLASK = [sys.executable, "-m", "flask", "--app", "wsgi"]
# TRUNCATE and a running consumer would wait for each other.
CLEAN = "DELETE FROM job; DELETE FROM job_minute"


@dataclass(frozen=True)
class Answer:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str


Flask_ = Callable[..., Answer]


@pytest.fixture(scope="package")
def package_database(servers: TestServers) -> Iterator[str]:
    """The URL of the database of this package."""
    with fresh_database(servers) as url:
        yield url


@pytest.fixture(scope="package")
def shared_app(package_database: str, servers: TestServers) -> Iterator[Flask]:
    """The application on a database of this package."""
    with pytest.MonkeyPatch.context() as patch:
        _surroundings(patch, package_database, servers)
        _forget_engine()
        yield create_app()
        database.pool().dispose()
        _forget_engine()


@pytest.fixture(autouse=True)
def _here(
    shared_app: Flask,
    package_database: str,
    servers: TestServers,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """This process uses the shared database, without rows."""
    _surroundings(monkeypatch, package_database, servers)
    ask(CLEAN)


@pytest.fixture
def flask(shared_app: Flask) -> Flask_:
    """Give a command to `flask`, such as `flask("queue", "failed", "--json")`."""
    return lambda *words, **more: told(shared_app, *words, **more)


@pytest.fixture(scope="module")
def consumer(shared_app: Flask) -> Iterator[None]:
    """A consumer that `flask queue work` has become; three jobs at once.

    Of one module: it would rescue the rows that another module's tests say are running.
    """
    command = [*FLASK, "queue", "work", "--workers", "3", "--shutdown-timeout", "1"]
    with subprocess.Popen(command, cwd=config.PROJECT_DIR, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: ask("SELECT 1 FROM worker WHERE state = 'running'"), timeout_s=20)
            yield
        finally:
            process.terminate()
        assert process.wait(within(10)) == 0


def told(app: Flask, *words: str, stdin: str | None = None) -> Answer:
    """Give a command to an application."""
    result = app.test_cli_runner().invoke(args=list(words), input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return Answer(result.exit_code, result.stdout, result.stderr)


def _surroundings(patch: pytest.MonkeyPatch, database_url: str, servers: TestServers) -> None:
    patch.setenv("DATABASE_URL", database_url)
    patch.setenv("REDIS_URL", servers.redis.url)
    config.get_settings.cache_clear()


def _forget_engine() -> None:
    for kept in (database.pool, accept.notice):
        kept.cache_clear()
