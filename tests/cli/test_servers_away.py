"""A server that is away is one sentence and exit code 1, never a traceback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from dashboard import create_app
from mahaam.config import get_settings
from mahaam.enqueuing import accept
from mahaam.postgres import database
from tests.cli.conftest import Flask_, told
from tests.dashboard.rows import a_letter

NOWHERE = "postgresql://mahaam@127.0.0.1:1/mahaam"


@pytest.fixture
def stranded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """An application whose PostgreSQL does not answer."""
    monkeypatch.setenv("DATABASE_URL", NOWHERE)
    get_settings.cache_clear()
    database.pool.cache_clear()
    yield create_app()
    database.pool.cache_clear()


@pytest.mark.parametrize(
    "words",
    [
        ["jobs", "create", "tasks.demo.echo"],
        ["queue", "monitor", "--json"],
        ["queue", "failed"],
        ["queue", "failed-show", "1"],
        ["queue", "retry", "1"],
        ["queue", "retry", "all"],
        ["queue", "flush", "--yes"],
        ["queue", "clear", "default", "--yes"],
        ["demo", "dead-letter"],
        ["demo", "priority-concurrency"],
    ],
    ids=" ".join,
)
def test_without_postgresql_a_command_says_so(stranded: Flask, words: list[str]) -> None:
    answer = told(stranded, *words)

    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith("PostgreSQL does not answer")
    assert answer.err.count("\n") == 1


def test_without_redis_jobs_are_made_and_retried(
    flask: Flask_, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    get_settings.cache_clear()
    accept.notice.cache_clear()

    assert flask("jobs", "create", "tasks.demo.echo").code == 0
    assert flask("queue", "retry", str(a_letter())).code == 0
    accept.notice.cache_clear()
