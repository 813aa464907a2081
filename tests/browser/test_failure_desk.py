"""The failure desk and the alerts in the browser, each way in the three languages."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NewPerson
from tests.browser.person import Person
from tests.dashboard.rows import a_letter, ask

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(params=["en", "ar", "fa"])
def person(request: pytest.FixtureRequest, new_person: NewPerson) -> Person:
    return new_person(str(request.param))


def press(person: Person, action: str) -> None:
    person.page.locator(f"button[name=action][value={action}]").first.click()


def confirm(person: Person) -> None:
    person.page.locator(".confirm button[name=confirmed]").click()


def test_a_letter_is_noted_taken_on_and_reprocessed(person: Person, rows: dict[str, Any]) -> None:
    letter = rows["deadletterqueue"]["id"]
    person.open(f"/admin/deadletterqueue/{letter}/")
    person.page.fill("#own-note", "سألتُ <b>نور</b>")
    person.page.locator("#notes button").click()
    expect(person.page.locator("#notes")).to_contain_text("سألتُ <b>نور</b>")

    press(person, "assign")
    expect(person.page.locator("#owner")).to_have_value("admin@example.com")
    confirm(person)
    expect(person.page.locator(".facts")).to_contain_text("admin@example.com")

    press(person, "reprocess")
    confirm(person)
    assert ask("SELECT owner, reprocessed_by FROM dead_letter WHERE id = %s", (letter,)) == [
        ("admin@example.com", "admin@example.com")
    ]


def test_an_error_is_ignored_and_watched_again(person: Person, rows: dict[str, Any]) -> None:
    group = rows["error"]["id"]
    person.open(f"/admin/error/{group}/")
    person.page.select_option("#how", "times")
    person.page.fill("#value", "5")
    person.page.locator("form button[value=ignore]").click()
    expect(person.page.locator("h1 .state-grey")).to_be_visible()
    press(person, "watch")
    expect(person.page.locator("h1 .state-grey")).to_have_count(0)

    person.page.locator("details.fold summary").last.click()
    person.page.fill("#runbook", "# نداء\n\n[x](javascript:alert(1)) <script>alert(2)</script>")
    person.page.locator("form[action$='/runbook/'] button").click()
    expect(person.page.locator(".prose h1")).to_have_text("نداء")
    expect(person.page.locator(".prose")).to_contain_text("<script>alert(2)</script>")
    expect(person.page.locator(".prose a")).to_have_count(0)


def test_a_re_drive_begins_with_a_few(person: Person, rows: dict[str, Any]) -> None:
    for _ in range(5):
        a_letter()
    person.open("/admin/deadletterqueue/?reprocessed=no&resolved=no")
    person.page.locator(".head-buttons a").click()
    person.page.fill("#percent", "20")
    person.page.locator(".confirm button").click()
    expect(person.page.locator("[role=alert], .faults, .alert").first).to_be_visible()
    person.page.fill("#reason", "mended")
    person.page.locator(".confirm button").click()
    expect(person.page.locator("h1 .state-blue")).to_be_visible()
    assert ask("SELECT reason, expected FROM redrive ORDER BY id DESC LIMIT 1") == [("mended", 6)]


def test_a_rule_is_tried_before_it_is_saved(person: Person, rows: dict[str, Any]) -> None:
    person.open("/admin/rule/form/")
    person.page.fill("#name", "too many fail")
    person.page.select_option("#kind", "failure_rate")
    press(person, "kind")
    person.page.fill("#percent", "101")
    press(person, "save")
    expect(person.page.locator("#percent-fault")).to_be_visible()
    person.page.fill("#percent", "30")
    press(person, "try")
    expect(person.page.locator("[role=status]")).to_be_visible()
    press(person, "save")
    assert ask(
        "SELECT kind, parameters ->> 'percent', parameters ->> 'name'"
        " FROM alert_rule WHERE name = 'too many fail'"
    ) == [("failure_rate", "30", None)]


def test_a_channel_refuses_what_is_inside_and_keeps_its_secret(
    person: Person, rows: dict[str, Any]
) -> None:
    person.open("/admin/channel/form/")
    person.page.fill("#name", "hook")
    person.page.select_option("#kind", "webhook")
    person.page.fill("#url", "http://169.254.169.254/latest/")
    person.page.locator(".job-form button").click()
    expect(person.page.locator("#url-fault")).to_contain_text("169.254.169.254")
    expect(person.page.locator("#name")).to_have_value("hook")
    person.page.fill("#url", "https://8.8.8.8/hook")
    person.page.locator(".job-form button").click()
    expect(person.page.locator("main")).to_contain_text("8.8.8.8")
    ((secret,),) = ask("SELECT secret FROM channel WHERE name = 'hook'")
    assert secret not in person.page.content()


def test_an_alert_is_acknowledged_silenced_and_closed(person: Person, rows: dict[str, Any]) -> None:
    alert = rows["alert"]["id"]
    ask("UPDATE alert SET acknowledged_at = NULL, acknowledged_by = NULL, owner = NULL")
    person.open("/admin/alert/?state=open")
    person.page.check(f"#row-{alert} input[type=checkbox]")
    press(person, "acknowledge")
    expect(person.page.locator(f"#row-{alert} .state-blue")).to_be_visible()
    person.open(f"/admin/alert/{alert}/")
    person.page.select_option("select[name=minutes]", "120")
    press(person, "silence")
    press(person, "resolve")
    expect(person.page.locator("h1 + div .state-green")).to_be_visible()
    (row,) = ask(
        "SELECT acknowledged_by, silenced_until > now(), closed_by FROM alert WHERE id = %s",
        (alert,),
    )
    assert row == ("admin@example.com", True, "admin@example.com")
