"""Logging in and out, who is kept out, and where one lands."""

from __future__ import annotations

import pytest
from flask import Flask

from config import get_settings
from dashboard import throttle
from dashboard.accounts import create_person, set_password
from dashboard.flask_config import flask_config
from tests.dashboard.browser import PASSWORD, Browser

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
    monkeypatch.setattr(throttle, "WINDOW_S", 10**9)


@pytest.mark.usefixtures("_one_window")
def test_guessing_is_stopped_for_all_processes(app: Flask) -> None:
    for _ in range(throttle.PER_ACCOUNT):
        assert Browser(app).log_in("viewer@example.com", "wrong").status_code == 401
    assert Browser(app).log_in("viewer@example.com").status_code == 429
    assert Browser(app).log_in("operator@example.com").status_code == 303


@pytest.mark.usefixtures("_one_window")
def test_a_right_password_is_forgiven_its_typos(app: Flask) -> None:
    for password in ("wrong", "wrong", PASSWORD, "wrong", "wrong", "wrong"):
        Browser(app).log_in("viewer@example.com", password)
    assert Browser(app).log_in("viewer@example.com").status_code == 303


def test_one_logs_out_by_post(operator: Browser) -> None:
    assert operator.get("/admin/logout/").status_code == 405
    assert operator.post("/admin/logout/", {}).status_code == 303
    assert not operator.is_in()


def test_a_new_password_ends_the_sessions(app: Flask, browser: Browser) -> None:
    with app.app_context():
        create_person("careless@example.com", password=PASSWORD, role="viewer")
    browser.log_in("careless@example.com")
    assert browser.is_in()
    with app.app_context():
        set_password("careless@example.com", PASSWORD)
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
