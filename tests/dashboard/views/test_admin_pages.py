"""Users, one's own account, settings and the audit: what they do, and what they write down."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from flask import Flask

from dashboard.auth import access
from dashboard.auth.account_changes import person_called, set_role
from dashboard.auth.accounts import AccountNotValid, create_person
from mahaam.live_settings import current
from tests.dashboard.browser import PASSWORD, Browser
from tests.dashboard.conftest import LogIn
from tests.dashboard.rows import a_job, ask

OTHER = "another good long password"


class Person(NamedTuple):
    """Somebody who has an account."""

    id: int
    email: str


@pytest.fixture
def admin(log_in: LogIn) -> Browser:
    return log_in("admin")


@pytest.fixture
def person(app: Flask) -> Person:
    """Somebody whom no other test knows."""
    return make_person(app)


@pytest.fixture(autouse=True)
def _default_settings() -> Iterator[None]:
    yield
    ask("DELETE FROM setting")
    current.forget()


def make_person(app: Flask, role: str = "viewer") -> Person:
    with app.app_context():
        made = create_person(f"{uuid.uuid4().hex}@example.com", password=PASSWORD, role=role)
        return Person(made.id, made.email)


def browser_of(app: Flask, person: Person) -> Browser:
    browser = Browser(app)
    assert browser.log_in(person.email).status_code == 303
    return browser


def last_event(target: str) -> dict[str, Any]:
    rows = ask(
        "SELECT row_to_json(audit_event) FROM audit_event WHERE %s = ANY(targets)"
        " ORDER BY id DESC LIMIT 1",
        (target,),
    )
    return dict(rows[0][0])


def test_an_admin_adds_somebody(app: Flask, admin: Browser) -> None:
    email = f"{uuid.uuid4().hex}@example.com"
    form = {"email": email, "password": PASSWORD, "role": "operator"}
    assert admin.post("/admin/user/create/", form).status_code == 303
    assert Browser(app).log_in(email).status_code == 303
    created = ask(
        "SELECT actor, after FROM audit_event WHERE verb = 'users' AND %s = ANY(targets)", (email,)
    )
    assert created == [("admin@example.com", {"created": True, "role": "operator"})]


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"email": "nobody"}, "is not an e-mail address"),
        ({"email": "viewer@example.com"}, "has an account already"),
        ({"password": "short"}, "A password needs 8 to 200 characters"),
        ({"role": "king"}, "There is no role"),
    ],
)
def test_who_cannot_be_added_is_told(admin: Browser, form: dict[str, str], sentence: str) -> None:
    good = {"email": f"{uuid.uuid4().hex}@example.com", "password": PASSWORD, "role": "viewer"}
    page = admin.post("/admin/user/create/", good | form)
    assert page.status_code == 400
    assert sentence in page.text


def test_a_role_counts_from_the_next_click(app: Flask, admin: Browser, person: Person) -> None:
    browser = browser_of(app, person)
    assert browser.get("/jobs/create/").status_code == 403
    admin.post(f"/admin/user/{person.id}/role/", {"role": "operator"})
    assert browser.get("/jobs/create/").status_code == 200
    event = last_event(person.email)
    assert (event["before"], event["after"]) == ({"role": "viewer"}, {"role": "operator"})


def test_who_is_kept_out_is_out_at_once(app: Flask, admin: Browser, person: Person) -> None:
    browser = browser_of(app, person)
    admin.post(f"/admin/user/{person.id}/active/", {"active": "no"})
    assert not browser.is_in()
    assert Browser(app).log_in(person.email).status_code == 401
    admin.post(f"/admin/user/{person.id}/active/", {"active": "yes"})
    assert Browser(app).log_in(person.email).status_code == 303


def test_a_password_that_an_admin_sets_ends_the_sessions(
    app: Flask, admin: Browser, person: Person
) -> None:
    browser = browser_of(app, person)
    admin.post(f"/admin/user/{person.id}/password/", {"password": OTHER})
    assert not browser.is_in()
    assert Browser(app).log_in(person.email, OTHER).status_code == 303
    assert OTHER not in str(last_event(person.email))


def test_an_admin_ends_all_sessions(app: Flask, admin: Browser, person: Person) -> None:
    browsers = [browser_of(app, person) for _ in range(2)]
    admin.post(f"/admin/user/{person.id}/logout/", {})
    assert not any(browser.is_in() for browser in browsers)


@pytest.mark.parametrize("form", [("role", {"role": "viewer"}), ("active", {"active": "no"})])
def test_the_last_admin_stays(app: Flask, admin: Browser, form: tuple[str, dict[str, str]]) -> None:
    with app.app_context():
        last = Person(person_called("admin@example.com").id, "admin@example.com")
    ask("UPDATE \"user\" SET active = false WHERE role_name = 'admin' AND id <> %s", (last.id,))
    page = admin.post(f"/admin/user/{last.id}/{form[0]}/", form[1])
    assert page.status_code == 400
    assert "is the last administrator" in page.text
    assert admin.get("/admin/user/").status_code == 200


def test_one_of_two_admins_may_go(app: Flask, admin: Browser) -> None:
    other = make_person(app, "admin")
    assert admin.post(f"/admin/user/{other.id}/role/", {"role": "viewer"}).status_code == 303


def test_a_role_that_does_not_exist_is_refused(app: Flask, person: Person) -> None:
    with app.app_context(), pytest.raises(AccountNotValid):
        set_role(person_called(person.email), "king\x00", by="ann")


def test_the_page_says_what_each_role_may_do(admin: Browser) -> None:
    page = admin.get("/admin/user/").text
    assert page.count('<th scope="row">') == len(access.NEEDED)


def test_a_new_password_ends_the_other_sessions_but_not_this_one(
    app: Flask, person: Person
) -> None:
    here, there = browser_of(app, person), browser_of(app, person)
    form = {"old": PASSWORD, "new": OTHER, "again": OTHER}
    assert here.post("/admin/account/password/", form).status_code == 303
    assert here.is_in()
    assert not there.is_in()
    assert Browser(app).log_in(person.email, OTHER).status_code == 303


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"old": "wrong"}, "The present password is wrong."),
        ({"again": "something else"}, "was not typed twice the same"),
        ({"new": "short", "again": "short"}, "A password needs 8 to 200 characters"),
    ],
)
def test_a_password_is_not_changed_by_mistake(
    app: Flask, person: Person, form: dict[str, str], sentence: str
) -> None:
    browser = browser_of(app, person)
    good = {"old": PASSWORD, "new": OTHER, "again": OTHER}
    page = browser.post("/admin/account/password/", good | form)
    assert page.status_code == 400
    assert sentence in page.text
    assert Browser(app).log_in(person.email).status_code == 303


def test_the_present_password_cannot_be_guessed_in_a_session(app: Flask, person: Person) -> None:
    browser = browser_of(app, person)
    form = {"old": "wrong", "new": OTHER, "again": OTHER}
    answers = [browser.post("/admin/account/password/", form).status_code for _ in range(7)]
    assert answers[0] == 400
    assert answers[-1] == 429


def test_one_logs_out_everywhere(app: Flask, person: Person) -> None:
    here, there = browser_of(app, person), browser_of(app, person)
    assert here.post("/admin/account/logout/", {}).status_code == 303
    assert not here.is_in()
    assert not there.is_in()
    assert last_event(person.email)["verb"] == "end_sessions"


def test_one_ends_one_session_of_ones_own_and_nobody_elses(app: Flask, person: Person) -> None:
    here, there, stranger = (
        browser_of(app, person),
        browser_of(app, person),
        browser_of(app, make_person(app)),
    )
    page = here.get("/admin/account/").text
    shown = [part.split('"')[0] for part in page.split('name="session" value="')[1:]]
    assert len(shown) == 1
    foreign = stranger.get("/admin/account/").text
    assert shown[0] not in foreign
    assert stranger.post("/admin/account/session/", {"session": shown[0]}).status_code == 303
    assert there.is_in()
    here.post("/admin/account/session/", {"session": shown[0]})
    assert not there.is_in()
    assert here.is_in()


def test_a_session_ends_when_it_rests(app: Flask, person: Person) -> None:
    browser = browser_of(app, person)
    rest(person, minutes=8 * 60 - 1)
    assert browser.is_in()
    rest(person, minutes=8 * 60 + 1)
    assert not browser.is_in()


def test_a_page_that_refreshes_itself_keeps_no_session_alive(app: Flask, person: Person) -> None:
    browser = browser_of(app, person)
    rest(person, minutes=100)
    assert browser.get("/admin/", **{"HX-Request": "true"}).status_code == 200
    assert rested_min(person) > 99
    assert browser.is_in()
    assert rested_min(person) < 1


def test_the_time_of_rest_is_a_setting(app: Flask, admin: Browser, person: Person) -> None:
    browser = browser_of(app, person)
    rest(person, minutes=6)
    assert browser.is_in()
    admin.post("/admin/setting/", {"session_idle_min": "5"})
    rest(person, minutes=6)
    assert not browser.is_in()


def rest(person: Person, *, minutes: int) -> None:
    ask(
        "UPDATE user_session SET seen_at = now() - %s * interval '1 minute' WHERE user_id = %s",
        (minutes, person.id),
    )


def rested_min(person: Person) -> float:
    row = ask(
        "SELECT extract(epoch FROM now() - max(seen_at)) / 60 FROM user_session WHERE user_id = %s",
        (person.id,),
    )
    return float(row[0][0])


def test_a_theme_follows_the_person_to_another_browser(app: Flask, person: Person) -> None:
    browser_of(app, person).post("/preferences/", {"theme": "dark"})
    assert 'data-theme="dark"' in browser_of(app, person).get("/admin/account/").text


def test_a_setting_is_changed_and_written_down(admin: Browser) -> None:
    answer = admin.post("/admin/setting/", {"retention_failed_days": "7", "undo_window_s": "10"})
    assert answer.status_code == 303
    page = admin.get("/admin/setting/").text
    assert "1 setting was changed." in page
    assert 'value="7"' in page
    event = last_event("retention_failed_days")
    assert (event["actor"], event["before"], event["after"]) == ("admin@example.com", 90, 7)


def test_one_wrong_setting_changes_none(admin: Browser) -> None:
    page = admin.post("/admin/setting/", {"retention_failed_days": "7", "undo_window_s": "soon"})
    assert page.status_code == 400
    assert "Enter a whole number from 0 to 300." in page.text
    assert 'value="soon"' in page.text
    assert ask("SELECT FROM setting") == []


def test_the_environment_stands_on_every_page(admin: Browser) -> None:
    assert 'class="environment' not in admin.get("/admin/").text
    admin.post("/admin/setting/", {"environment_name": "staging", "environment_colour": "orange"})
    assert 'class="environment state-orange"' in admin.get("/admin/").text


def test_logins_and_failed_ones_are_written_down(app: Flask, person: Person) -> None:
    browser = Browser(app)
    browser.log_in(person.email, "wrong")
    event = last_event(person.email)
    assert (event["verb"], event["refused"], event["address"]) == ("login", "wrong", "127.0.0.1")
    browser.log_in(person.email)
    event = last_event(person.email)
    assert (event["verb"], event["refused"]) == ("login", None)
    browser.post("/admin/logout/", {})
    assert last_event(person.email)["verb"] == "logout"


def test_an_order_of_the_console_is_written_down_with_address_and_reason(
    log_in: LogIn, admin: Browser
) -> None:
    job = a_job("failed")
    form = {"action": "retry", "rowid": str(job), "confirmed": "yes", "reason": "the mail is back"}
    log_in("operator").post("/admin/job/action/", form)
    event = last_event(str(job))
    assert (event["actor"], event["channel"]) == ("operator@example.com", "console")
    assert (event["address"], event["reason"]) == ("127.0.0.1", "the mail is back")
    page = admin.get(f"/admin/audit/?target={job}").text
    assert "the mail is back" in page
    assert "<del" in page
    assert "failed" in page


def test_an_export_is_written_down_with_its_filter(log_in: LogIn) -> None:
    log_in("viewer").get("/admin/job/export.csv?queue=emails").close()
    row = ask(
        "SELECT actor, filter FROM audit_event WHERE verb = 'export' ORDER BY id DESC LIMIT 1"
    )
    assert row[0][0] == "viewer@example.com"
    assert (row[0][1]["queue"], row[0][1]["form"]) == ("emails", "csv")


FILTERS = (
    ("actor=operator@example.com", True),
    ("actor=ann@example.com", False),
    ("verb=cancel", True),
    ("verb=retry", False),
    ("refused=no", True),
    ("refused=yes", False),
    ("since=2020-01-01T00:00", True),
    ("since=2999-01-01T00:00", False),
    ("until=2999-01-01T00:00", True),
    ("until=2020-01-01T00:00", False),
)


@pytest.mark.parametrize(("query", "is_there"), FILTERS)
def test_the_audit_is_filtered(log_in: LogIn, admin: Browser, query: str, is_there: bool) -> None:
    job = a_job()
    form = {"action": "cancel", "rowid": str(job), "confirmed": "yes"}
    log_in("operator").post("/admin/job/action/", form)
    page = admin.get(f"/admin/audit/?target={job}&{query}")
    assert page.status_code == 200
    assert (
        str(job)[-12:] in page.text.partition('class="filters"')[2].partition("</form>")[2]
    ) is is_there


def test_the_audit_says_when_it_is_not_protected(admin: Browser) -> None:
    assert "could change the audit" not in admin.get("/admin/audit/").text
