"""Logging in and out, who is kept out, and where one lands."""

from __future__ import annotations

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from dashboard import create_app
from dashboard.auth import login_throttle
from dashboard.auth.account_changes import person_called, set_password
from dashboard.auth.accounts import create_person
from dashboard.web.flask_config import flask_config
from mahaam.config import get_settings
from tests.dashboard.browser import PASSWORD, Browser
from tests.dashboard.conftest import CHEAP

INSIDE = (
    "/",
    "/admin/",
    "/admin/job/",
    "/admin/job/00000000-0000-7000-8000-000000000000/",
    "/admin/deadletterqueue/",
    "/admin/queue/",
    "/admin/worker/",
    "/jobs/create/",
)
ELSEWHERE = (
    "https://evil.example/",
    "https:evil.example",
    "//evil.example/",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "javascript:alert(1)",
    " //evil.example",
    "/%0d%0a\r\nSet-Cookie: a=b",
    "",
)


@pytest.mark.parametrize("path", INSIDE)
def test_who_has_not_logged_in_sees_only_the_login_page(browser: Browser, path: str) -> None:
    page = browser.get(path)
    assert page.status_code == 302
    assert page.location.startswith("/admin/login/")


@pytest.mark.parametrize("path", ["/nothing", "/register", "/admin/job/new/", "/api/jobs"])
def test_an_address_that_does_not_exist_tells_a_stranger_nothing(
    browser: Browser, path: str
) -> None:
    page = browser.get(path)
    assert page.status_code == 404
    assert 'href="/admin/job/' not in page.text


@pytest.mark.parametrize("path", ["/admin/job/action/", "/jobs/create/", "/admin/logout/"])
def test_a_stranger_can_send_nothing(browser: Browser, path: str) -> None:
    assert browser.post(path, {"action": "retry"}).status_code == 401


def test_the_health_page_is_open_and_says_nothing(browser: Browser) -> None:
    page = browser.get("/healthz")
    assert (page.status_code, page.text) == (200, "ok\n")


def test_one_lands_where_one_wanted_to_go(browser: Browser) -> None:
    asked = browser.get("/admin/job/?state=failed").location
    assert "next=" in asked
    answer = browser.log_in("operator@example.com", next="/admin/job/?state=failed")
    assert (answer.status_code, answer.location) == (303, "/admin/job/?state=failed")


@pytest.mark.parametrize("target", ELSEWHERE)
def test_the_way_after_login_never_leaves_the_site(browser: Browser, target: str) -> None:
    assert browser.log_in("operator@example.com", next=target).location == "/admin/"


def test_an_address_is_the_same_in_any_case(browser: Browser) -> None:
    assert browser.log_in(" Operator@Example.COM ").status_code == 303


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("operator@example.com", "wrong"),
        ("nobody@example.com", PASSWORD),
        ("operator@example.com", ""),
        ("", ""),
        ("operator@example.com\x00", PASSWORD),
        ("operator@example.com", PASSWORD + "\x00"),
        ("operator@example.com", "x" * 100_000),
    ],
)
def test_a_wrong_login_is_one_sentence_that_tells_nothing(
    browser: Browser, email: str, password: str
) -> None:
    page = browser.log_in(email, password)
    assert page.status_code == 401
    assert "The e-mail address or the password is wrong." in page.text
    assert not browser.is_in()


@pytest.fixture
def _one_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """No new window of counting begins during this test."""
    monkeypatch.setattr(login_throttle, "WINDOW_S", 10**9)


@pytest.mark.usefixtures("_one_window")
def test_guessing_is_stopped_for_all_processes(app: Flask) -> None:
    for _ in range(login_throttle.PER_ACCOUNT):
        assert Browser(app).log_in("viewer@example.com", "wrong").status_code == 401
    assert Browser(app).log_in("viewer@example.com").status_code == 429
    assert Browser(app).log_in("operator@example.com").status_code == 303


@pytest.mark.usefixtures("_one_window")
def test_guessing_from_everywhere_is_stopped_but_not_the_owner(app: Flask, home: str) -> None:
    assert log_in_from(app, home).status_code == 303
    for number in range(login_throttle.PER_ACCOUNT_ANYWHERE):
        assert log_in_from(app, f"198.51.100.{number}", "wrong").status_code == 401
    assert log_in_from(app, "198.51.100.200").status_code == 429
    assert log_in_from(app, home).status_code == 303


@pytest.mark.usefixtures("_one_window")
def test_many_accounts_from_one_address_are_stopped(app: Flask) -> None:
    for number in range(login_throttle.PER_ADDRESS):
        Browser(app).log_in(f"nobody{number}@example.com", "wrong")
    assert Browser(app).log_in("operator@example.com").status_code == 429


@pytest.mark.usefixtures("_one_window")
def test_all_addresses_of_a_network_of_ipv6_are_one(app: Flask) -> None:
    for number in range(login_throttle.PER_ACCOUNT):
        log_in_from(app, f"2001:db8::{number}", "wrong")
    assert log_in_from(app, "2001:db8::ffff").status_code == 429
    assert log_in_from(app, "2001:db8:0:1::1").status_code == 303


@pytest.mark.usefixtures("_one_window")
@pytest.mark.parametrize(("proxies", "status"), [(0, 429), (1, 303)])
def test_only_a_proxy_that_is_trusted_says_where_one_comes_from(
    app: Flask, monkeypatch: pytest.MonkeyPatch, proxies: int, status: int
) -> None:
    monkeypatch.setenv("TRUSTED_PROXIES", str(proxies))
    get_settings.cache_clear()
    behind = create_app(SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS=CHEAP)
    for number in range(login_throttle.PER_ACCOUNT):
        # What a client itself writes into the header stands before what the proxy adds.
        forged = f"203.0.113.{number}, 203.0.113.99"
        log_in_from(behind, "127.0.0.1", "wrong", **{"X-Forwarded-For": forged})
    assert (
        log_in_from(behind, "127.0.0.1", **{"X-Forwarded-For": "203.0.113.7"}).status_code == status
    )
    known = log_in_from(behind, "127.0.0.1", **{"X-Forwarded-For": "1.2.3.4, 203.0.113.99"})
    assert known.status_code == 429


@pytest.fixture
def home() -> str:
    return "192.0.2.1"


def log_in_from(app: Flask, address: str, password: str = PASSWORD, **headers: str) -> TestResponse:
    """Log in as a viewer from an address."""
    browser = Browser(app)
    form = {"email": "viewer@example.com", "password": password, "csrf_token": browser.token()}
    return browser.client.post(
        "/admin/login/", data=form, headers=headers, environ_overrides={"REMOTE_ADDR": address}
    )


@pytest.mark.usefixtures("_one_window")
def test_a_right_password_is_forgiven_its_typos(app: Flask) -> None:
    for password in ("wrong", "wrong", PASSWORD, "wrong", "wrong", "wrong"):
        Browser(app).log_in("viewer@example.com", password)
    assert Browser(app).log_in("viewer@example.com").status_code == 303


def test_one_logs_out_by_post_and_a_copy_of_the_cookie_opens_nothing(
    app: Flask, browser: Browser
) -> None:
    browser.log_in("operator@example.com")
    thief = Browser(app, cookie=browser.cookie)
    assert thief.is_in()
    assert browser.get("/admin/logout/").status_code == 405
    assert browser.post("/admin/logout/", {}).status_code == 303
    assert not browser.is_in()
    assert not thief.is_in()


def test_a_new_password_ends_the_sessions(app: Flask, browser: Browser) -> None:
    with app.app_context():
        create_person("careless@example.com", password=PASSWORD, role="viewer")
    browser.log_in("careless@example.com")
    assert browser.is_in()
    with app.app_context():
        set_password(person_called("careless@example.com"), PASSWORD, by="ann")
    assert not browser.is_in()


def test_the_session_cookie_is_kept_from_scripts_and_other_sites(browser: Browser) -> None:
    cookie = browser.log_in("operator@example.com").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


@pytest.mark.parametrize("environment", ["development", "production"])
def test_in_production_the_cookie_travels_by_https_only(app: Flask, environment: str) -> None:
    settings = get_settings().model_copy(update={"app_env": environment})
    assert flask_config(settings)["SESSION_COOKIE_SECURE"] is (environment == "production")


@pytest.mark.parametrize("path", ["/admin/job/action/", "/jobs/create/", "/admin/logout/"])
def test_a_form_without_its_token_is_refused(operator: Browser, path: str) -> None:
    page = operator.post(path, {"action": "retry"}, with_token=False)
    assert page.status_code == 400
    assert "The form was too old" in page.text
    assert operator.is_in()


def test_the_login_form_needs_its_token_too(browser: Browser) -> None:
    form = {"email": "operator@example.com", "password": PASSWORD}
    assert browser.post("/admin/login/", form, with_token=False).status_code == 400


@pytest.mark.parametrize(
    ("path", "headers", "is_longer"),
    [
        ("/admin/job/", {}, True),
        ("/admin/job/", {"HX-Request": "true"}, False),
        ("/admin/job/count/", {"HX-Request": "true"}, False),
        ("/static/app.js", {}, False),
    ],
)
def test_what_a_person_opens_lengthens_the_life_of_the_cookie_and_a_refresh_brings_none(
    operator: Browser, path: str, headers: dict[str, str], is_longer: bool
) -> None:
    operator.get("/admin/")
    answer = operator.get(path, **headers)
    answer.close()
    assert answer.status_code == 200
    assert ("Set-Cookie" in answer.headers) is is_longer
