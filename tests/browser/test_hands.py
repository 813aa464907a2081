"""Live pages do not disturb a person, and the keyboard does what its help says."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NewPerson
from tests.browser.person import Person
from tests.dashboard.rows import a_job, ask

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def person(new_person: NewPerson) -> Person:
    person = new_person()
    ask("DELETE FROM job")
    for place in range(3):
        a_job("failed", error="E: x", task=f"shop.task_{place}")
    person.open("/admin/job/")
    return person


def ticks(person: Person) -> list[bool]:
    boxes = person.page.locator("input[name=rowid]")
    return [boxes.nth(place).is_checked() for place in range(boxes.count())]


def focused_row(person: Person) -> str:
    return str(person.page.evaluate("document.activeElement.closest('tr')?.innerText ?? ''"))


def test_a_new_job_appears_by_itself(person: Person) -> None:
    a_job("queued", task="shop.newest")
    expect(person.page.get_by_role("link", name="shop.newest")).to_be_visible()


def test_a_tick_holds_the_page_still_and_survives(person: Person) -> None:
    person.page.locator("input[name=rowid]").nth(1).check()
    person.page.mouse.move(0, 0)
    with person.refreshed():
        a_job("queued", task="shop.newest")

    assert ticks(person) == [False, True, False]
    expect(person.page.locator("[data-ticked]")).to_have_text("1 ticked")

    person.page.locator("input[name=rowid]").nth(1).uncheck()
    person.page.evaluate("document.activeElement.blur()")
    person.page.mouse.move(0, 0)
    expect(person.page.get_by_role("link", name="shop.newest")).to_be_visible()


def test_the_focus_stays_on_its_job_when_others_come_above_it(person: Person) -> None:
    person.page.keyboard.press("j")
    person.page.keyboard.press("j")
    assert "shop.task_1" in focused_row(person)

    a_job("queued", task="shop.newest")
    expect(person.page.get_by_role("link", name="shop.newest")).to_be_visible()

    assert "shop.task_1" in focused_row(person)


def test_rows_are_walked_ticked_and_opened_by_keys(person: Person) -> None:
    keys = person.page.keyboard
    keys.press("j")
    assert "shop.task_2" in focused_row(person)
    keys.press("j")
    keys.press("x")
    assert ticks(person) == [False, True, False]
    keys.press("k")
    assert "shop.task_2" in focused_row(person)
    keys.press("Enter")
    expect(person.page.locator("h1")).to_contain_text("shop.task_2")


def test_r_asks_to_retry_the_row(person: Person) -> None:
    person.page.keyboard.press("j")
    person.page.keyboard.press("r")
    expect(person.page.get_by_role("button", name="Retry 1 job")).to_be_visible()
    expect(person.page.locator(".confirm")).to_contain_text("shop.task_2")


@pytest.mark.parametrize(
    ("letter", "path"),
    [("o", "/admin/"), ("d", "/admin/deadletterqueue/"), ("w", "/admin/worker/")],
)
def test_g_and_a_letter_lead_to_a_page(person: Person, letter: str, path: str) -> None:
    person.page.keyboard.press("g")
    person.page.keyboard.press(letter)
    person.page.wait_for_url(re.compile(re.escape(path) + "$"))


def test_keys_are_letters_while_somebody_types(person: Person) -> None:
    person.page.keyboard.press("/")
    person.page.keyboard.type("gj?x")
    assert person.page.evaluate("document.activeElement.value || ''").endswith("gj?x") or (
        person.page.evaluate("document.activeElement.tagName") == "SELECT"
    )
    assert person.path() == "/admin/job/"
    assert not person.page.locator("#help").is_visible()


def test_the_help_lists_the_keys_and_switches_them_off(person: Person) -> None:
    keys, help_ = person.page.keyboard, person.page.locator("#help")
    keys.press("?")
    expect(help_).to_be_visible()
    assert person.axe() == []
    person.page.get_by_label("Single keys do something").uncheck()
    keys.press("Escape")
    expect(help_).to_be_hidden()

    keys.press("j")
    assert focused_row(person) == ""
    keys.press("?")
    expect(help_).to_be_visible()


def test_the_skip_link_is_first_and_leads_to_the_content(person: Person) -> None:
    person.page.reload()
    person.page.keyboard.press("Tab")
    expect(person.page.locator(".skip-link")).to_be_focused()
    person.page.keyboard.press("Enter")
    expect(person.page.locator("#content")).to_be_focused()
