"""The console below a path: no address leads outside of it, however the path was told."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from dashboard import create_app
from mahaam.config import get_settings
from tests.dashboard import walk
from tests.dashboard.browser import Browser
from tests.dashboard.conftest import CHEAP
from tests.dashboard.test_every_page import some_ids

PREFIX = "/ops/mahaam"
ADDRESS = re.compile(
    r'(?:href|src|action|formaction|poster|data-[\w-]*|hx-(?:get|post|push-url))="(/[^"]*)"'
)
HIDDEN = re.compile(r'name="(?:url|next)" value="([^"]*)"')


@pytest.fixture
def below(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """The application, whose public address has a path."""
    monkeypatch.setenv("PUBLIC_URL", f"http://localhost{PREFIX}")
    monkeypatch.setenv("TRUSTED_PROXIES", "1")
    get_settings.cache_clear()
    return create_app(SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS=CHEAP)


@pytest.mark.timeout(240)
def test_no_page_leads_outside_of_the_path(below: Flask, app: Flask) -> None:
    ids = some_ids()
    client = below.test_client()
    client.get(f"{PREFIX}/admin/login/")
    token = re.search(r'csrf_token" value="([^"]+)"', client.get(f"{PREFIX}/admin/login/").text)
    assert token
    form = {
        "email": "admin@example.com",
        "password": "a good long password",
        "csrf_token": token[1],
    }
    answer = client.post(f"{PREFIX}/admin/login/", data=form)
    assert answer.location == f"{PREFIX}/admin/"
    assert f"Path={PREFIX};" in answer.headers["Set-Cookie"] + ";"
    for rule in walk.pages(app):
        page = client.get(PREFIX + walk.address(rule, ids))
        assert page.status_code < 500, rule
        if page.location:
            assert page.location.startswith(f"{PREFIX}/"), (rule, page.location)
        for address in ADDRESS.findall(page.text) + HIDDEN.findall(page.text):
            assert address.startswith(f"{PREFIX}/"), (rule, address)


@pytest.mark.parametrize("path", ["/admin/job", f"{PREFIX}/admin/job", f"{PREFIX}/admin/job/", "/"])
def test_a_stranger_is_led_to_the_login_below_the_path(below: Flask, path: str) -> None:
    answer = below.test_client().get(path)
    assert answer.status_code == 302
    assert answer.location.startswith(f"{PREFIX}/admin/")
    assert "next=/admin" not in answer.location


@pytest.mark.parametrize(
    ("said", "prefix"),
    [("/x/y", "/x/y"), ("/x/", "/x"), ("//evil.example", PREFIX), ("/x y", PREFIX), ("x", PREFIX)],
)
def test_a_trusted_proxy_says_the_path(below: Flask, said: str, prefix: str) -> None:
    answer = below.test_client().get("/admin/", headers={"X-Forwarded-Prefix": said})
    assert answer.location.startswith(f"{prefix}/admin/login/")


def test_nobody_else_does(browser: Browser) -> None:
    answer = browser.get("/admin/job/", **{"X-Forwarded-Prefix": "/x"})
    assert answer.location.startswith("/admin/login/")


def test_the_server_says_the_path(app: Flask) -> None:
    answer = app.test_client().get("/admin/job/", environ_overrides={"SCRIPT_NAME": "/s"})
    assert answer.location.startswith("/s/admin/login/")


def test_the_way_after_login_stays_below_the_path(below: Flask) -> None:
    with below.test_request_context(environ_overrides={"SCRIPT_NAME": PREFIX}):
        from dashboard.auth.login_required import safe_path

        assert safe_path("/elsewhere/") == f"{PREFIX}/admin/"
        assert safe_path(f"{PREFIX}/admin/job/") == f"{PREFIX}/admin/job/"
