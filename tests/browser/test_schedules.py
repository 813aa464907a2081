"""Schedules, definitions and settings in the browser, each way in the three languages."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NewPerson
from tests.browser.person import Person
from tests.dashboard.rows import a_schedule, ask

ECHO = "tasks.demo.echo"
MONDAYS = {"en": "Monday", "ar": "الاثنين", "fa": "دوشنبه"}
NO_MINUTE = {"en": "minute", "ar": "الدقيقة", "fa": "دقیقه"}

pytestmark = [pytest.mark.timeout(120), pytest.mark.usefixtures("rows")]


@pytest.fixture(params=list(MONDAYS))
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def person(new_person: NewPerson, language: str) -> Person:
    return new_person(language)


def press(person: Person, action: str) -> None:
    person.page.locator(f"button[name=action][value={action}]").click()


def confirm(person: Person) -> None:
    person.page.locator("button[name=confirmed]").click()


def the_schedule(column: str) -> Any:
    return ask(f"SELECT {column} FROM schedule ORDER BY id DESC LIMIT 1")[0][0]


def test_a_schedule_is_made_while_the_page_says_what_will_happen(
    person: Person, language: str
) -> None:
    person.open(f"/admin/schedule/form/?task={ECHO}")
    person.page.fill("#name", "mondays")
    person.page.fill("#cron", "30 2 * * 1")
    expect(person.page.locator("#preview")).to_contain_text(MONDAYS[language])
    expect(person.page.locator("#preview li")).to_have_count(5)
    person.page.fill("#timezone", "Asia/Baghdad")
    expect(person.page.locator("#preview li").first).to_contain_text("02:30:00 +0300")
    person.page.fill("#kwargs", '{"value": "سلام"}')
    person.page.locator(".column-main button.btn-primary").click()

    expect(person.page.locator("h1")).to_contain_text("mondays")
    expect(person.page.locator("main")).to_contain_text(MONDAYS[language])
    assert (the_schedule("cron"), the_schedule("timezone")) == ("30 2 * * 1", "Asia/Baghdad")


def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(
    person: Person, language: str
) -> None:
    person.open(f"/admin/schedule/form/?task={ECHO}")
    person.page.fill("#name", "never")
    person.page.fill("#cron", "61 * * * *")
    expect(person.page.locator("#preview .field-fault")).to_contain_text(NO_MINUTE[language])
    person.page.locator(".column-main button.btn-primary").click()

    expect(person.page.locator("#cron-fault")).to_contain_text(NO_MINUTE[language])
    expect(person.page.locator("#name")).to_have_value("never")
    expect(person.page.locator("#cron")).to_have_attribute("aria-invalid", "true")


def test_a_schedule_is_run_disabled_with_a_reason_and_enabled(person: Person) -> None:
    id_ = a_schedule("by hand")
    person.open(f"/admin/schedule/{id_}/")
    press(person, "run")
    expect(person.page.locator("table.rows tbody tr")).to_have_count(5)
    assert ask("SELECT count(*) FROM job WHERE schedule_id = %s", (id_,)) == [(1,)]

    press(person, "disable")
    person.page.fill("#reason", "عطلة <b>العيد</b>")
    confirm(person)
    expect(person.page.locator("main")).to_contain_text("عطلة <b>العيد</b>")
    press(person, "enable")
    expect(person.page.locator("button[value=disable]")).to_be_visible()
    assert the_schedule("disabled_at") is None


def test_ticked_schedules_are_disabled_together(person: Person) -> None:
    ids = [a_schedule(f"number {number}") for number in range(3)]
    person.open("/admin/schedule/")
    for id_ in ids[:2]:
        person.page.check(f"#row-{id_} input[type=checkbox]")
    press(person, "disable")
    confirm(person)
    disabled = ask("SELECT id FROM schedule WHERE disabled_at IS NOT NULL ORDER BY id")
    assert [row[0] for row in disabled] == ids[:2]


def test_a_definition_is_executed_and_scheduled(person: Person) -> None:
    (id_,) = ask("SELECT id FROM task_definition")[0]
    person.open(f"/admin/definition/{id_}/")
    person.page.locator(".head-buttons a[href*='/schedule/form/']").click()
    name = ask("SELECT name FROM task_definition")[0][0]
    expect(person.page.locator("#definition")).to_have_value(name)
    person.page.locator(".column-main button.btn-primary").click()
    expect(person.page.locator("h1")).to_contain_text(name)
    assert the_schedule("definition_id") == id_


def test_a_setting_is_changed_and_the_page_tells_by_whom(person: Person) -> None:
    try:
        person.open("/admin/setting/")
        person.page.fill("#undo_window_s", "25")
        person.page.locator("main form button.btn-primary").click()
        changed = person.page.locator("#setting-undo_window_s .setting-change")
        expect(changed).to_contain_text("@example.com")
        expect(person.page.locator("#history")).to_contain_text("undo_window_s")
        assert ask("SELECT value FROM setting WHERE name = 'undo_window_s'") == [(25,)]
    finally:
        ask("DELETE FROM setting")
