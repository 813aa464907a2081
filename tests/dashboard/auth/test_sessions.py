"""How sessions begin, change and end, by which cookie they are known, and which passwords open them."""

from __future__ import annotations

import uuid

import pytest
from flask import Flask

from dashboard import create_app
from dashboard.auth.accounts import AccountNotValid, check_password, create_person
from mahaam.config import get_settings
from tests.dashboard.browser import PASSWORD, Browser
from tests.dashboard.conftest import CHEAP, LogIn
from tests.dashboard.rows import ask

OTHER = "seven purple lamps in the harbour"
PUBLIC = "https://jobs.example.com"
WEAK = (
    "password", "password123", "letmein1", "Passw0rd!", "qwertyuiop", "1234567890", "aaaaaaaaaa",
    "mahaam123", "iloveyou2", "abcabcabc", "noor@example.com", "NOOR@example.com",
    "noor.example.com", "noor@example.com1", "noor1990",
)  # fmt: skip


@pytest.fixture
def noor(app: Flask) -> str:
    """The address of somebody who may look."""
    with app.app_context():
        email = f"noor-{uuid.uuid4().hex[:8]}@example.com"
        return create_person(email, password=PASSWORD, role="viewer").email


def test_a_new_password_brings_a_new_token(app: Flask, noor: str) -> None:
    browser = Browser(app)
    browser.log_in(noor)
    stolen = browser.cookie
    form = {"old": PASSWORD, "new": OTHER, "again": OTHER}
    assert browser.post("/admin/account/password/", form).status_code == 303
    assert browser.is_in()
    assert not Browser(app, cookie=stolen).is_in()


def test_a_password_that_is_refused_changes_no_token(app: Flask, noor: str) -> None:
    browser = Browser(app)
    browser.log_in(noor)
    form = {"old": PASSWORD, "new": "password", "again": "password"}
    assert browser.post("/admin/account/password/", form).status_code == 400
    assert browser.is_in()


@pytest.mark.parametrize(
    ("role", "is_new"), [("operator", True), ("admin", True), ("viewer", False)]
)
def test_more_rights_bring_a_new_token(
    app: Flask, log_in: LogIn, noor: str, role: str, is_new: bool
) -> None:
    browser = Browser(app)
    browser.log_in(noor)
    before = browser.cookie
    ((id_,),) = ask('SELECT id FROM "user" WHERE email = %s', (noor,))
    log_in("admin").post(f"/admin/user/{id_}/role/", {"role": role})
    assert browser.is_in()
    assert browser.is_in()
    assert Browser(app, cookie=before).is_in() is not is_new


def test_fewer_rights_leave_one_logged_in(app: Flask, log_in: LogIn, noor: str) -> None:
    ask('UPDATE "user" SET role_name = %s WHERE email = %s', ("operator", noor))
    browser = Browser(app)
    browser.log_in(noor)
    ((id_,),) = ask('SELECT id FROM "user" WHERE email = %s', (noor,))
    log_in("admin").post(f"/admin/user/{id_}/role/", {"role": "viewer"})
    assert browser.is_in()


@pytest.mark.parametrize(("hours", "is_in"), [(11, True), (13, False)])
def test_a_session_ends_after_twelve_hours_whatever_is_done(
    app: Flask, noor: str, hours: int, is_in: bool
) -> None:
    browser = Browser(app)
    browser.log_in(noor)
    ask(
        "UPDATE user_session SET began_at = now() - make_interval(hours => %s), seen_at = now() "
        'WHERE user_id = (SELECT id FROM "user" WHERE email = %s)',
        (hours, noor),
    )
    assert browser.is_in() is is_in


def test_over_https_the_cookie_belongs_to_the_host_alone(
    app: Flask, monkeypatch: pytest.MonkeyPatch, noor: str
) -> None:
    monkeypatch.setenv("TRUSTED_PROXIES", "1")
    get_settings.cache_clear()
    behind = create_app(SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS=CHEAP)
    cookie = login_cookie(behind, noor, **{"X-Forwarded-Proto": "https"})
    assert cookie.startswith("__Host-mahaam_session=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert login_cookie(behind, noor).startswith("mahaam_session=")


def test_the_public_address_says_https_for_those_who_come_by_it(
    app: Flask, monkeypatch: pytest.MonkeyPatch, noor: str
) -> None:
    monkeypatch.setenv("PUBLIC_URL", PUBLIC)
    get_settings.cache_clear()
    public = create_app(SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS=CHEAP)
    assert login_cookie(public, noor, Host="jobs.example.com").startswith("__Host-mahaam_session=")
    assert login_cookie(public, noor, Host="10.0.0.1:8000").startswith("mahaam_session=")


def test_a_header_that_nobody_vouches_for_changes_nothing(app: Flask, noor: str) -> None:
    cookie = login_cookie(app, noor, **{"X-Forwarded-Proto": "https"})
    assert cookie.startswith("mahaam_session=")
    assert "Secure" not in cookie


@pytest.mark.parametrize("password", WEAK)
def test_a_password_that_can_be_guessed_is_refused(app: Flask, password: str) -> None:
    with app.test_request_context(), pytest.raises(AccountNotValid, match=r"guess|address|needs"):
        check_password(password, email="noor@example.com")


@pytest.mark.parametrize("password", [PASSWORD, OTHER, "kX9#mQ2$vL7p", "قطار أزرق تحت المطر"])
def test_a_password_that_cannot_is_taken(app: Flask, password: str) -> None:
    with app.test_request_context():
        check_password(password, email="noor@example.com")


def test_every_way_to_a_password_refuses_a_weak_one(app: Flask, log_in: LogIn, noor: str) -> None:
    admin = log_in("admin")
    ((id_,),) = ask('SELECT id FROM "user" WHERE email = %s', (noor,))
    created = {"email": "new@example.com", "password": "password123", "role": "viewer"}
    assert admin.post("/admin/user/create/", created).status_code == 400
    assert admin.post(f"/admin/user/{id_}/password/", {"password": noor}).status_code == 400
    command = app.test_cli_runner().invoke
    for words in (["create", "new@example.com"], ["passwd", noor]):
        done = command(args=["users", *words, "--password", "password123"])
        assert done.exit_code != 0
        assert "easy to guess" in done.output


def login_cookie(app: Flask, email: str, **headers: str) -> str:
    """Log in; what the server tells the browser to keep."""
    client = app.test_client(use_cookies=False)
    page = client.get("/admin/login/", headers=headers)
    sent = headers | {"Cookie": page.headers["Set-Cookie"].partition(";")[0]}
    if "https" in headers.values() or headers.get("Host") == "jobs.example.com":
        sent["Referer"] = f"https://{headers.get('Host', 'localhost')}/admin/login/"
    token = page.text.partition('name="csrf_token" value="')[2].partition('"')[0]
    form = {"email": email, "password": PASSWORD, "csrf_token": token}
    answer = client.post("/admin/login/", data=form, headers=sent)
    assert answer.status_code == 303, answer.text
    return answer.headers["Set-Cookie"]
