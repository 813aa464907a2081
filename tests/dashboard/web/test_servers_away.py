"""A server that is away makes a clear page, and the way back needs no restart."""

from __future__ import annotations

import os

import psycopg2
import pytest

from dashboard import create_app
from dashboard.auth.accounts import create_person
from dashboard.web.database import db
from mahaam.config import get_settings
from tests.dashboard.browser import PASSWORD, Browser
from tests.dashboard.conftest import CHEAP
from tests.servers import TestServers, owner_url

NOWHERE = "postgresql://mahaam@127.0.0.1:1/mahaam"


@pytest.mark.parametrize("language", ["en", "ar", "fa"])
def test_without_postgresql_a_page_says_so(
    operator: Browser, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", NOWHERE)
    get_settings.cache_clear()
    app = create_app(SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS=CHEAP)
    stranded = Browser(app, cookie=operator.cookie)
    page = stranded.get("/admin/job/", **{"Accept-Language": language})
    assert page.status_code == 503
    assert "PostgreSQL" in page.text
    assert f'lang="{language}"' in page.text
    assert stranded.get("/healthz").status_code == 200


def test_when_postgresql_returns_so_do_the_pages(
    own_servers: TestServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", own_servers.postgres.url)
    get_settings.cache_clear()
    app = create_app(SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS=CHEAP)
    with app.app_context():
        create_person("viewer@example.com", password=PASSWORD, role="viewer")
    browser = Browser(app)
    browser.log_in("viewer@example.com")
    assert browser.get("/admin/job/").status_code == 200
    own_servers.postgres.stop()
    assert browser.get("/admin/job/").status_code == 503
    own_servers.postgres.start()
    assert browser.get("/admin/job/").status_code == 200
    with app.app_context():
        db.engine.dispose()


def test_without_redis_one_can_still_log_in_and_look(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    get_settings.cache_clear()
    assert browser.log_in("operator@example.com").status_code == 303
    for path in ("/admin/", "/admin/job/", "/admin/worker/"):
        assert browser.get(path).status_code == 200


def test_a_table_that_somebody_locks_makes_no_page_wait_for_ever(operator: Browser) -> None:
    holder = psycopg2.connect(owner_url(os.environ["DATABASE_URL"]))
    try:
        holder.cursor().execute("LOCK TABLE user_session IN ACCESS EXCLUSIVE MODE")
        assert operator.get("/admin/definition/").status_code == 503
    finally:
        holder.close()
    assert operator.get("/admin/definition/").status_code == 200
