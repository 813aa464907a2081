"""Every page in Arabic: nothing fails, axe-core finds nothing in either theme, each window is wide enough."""

from __future__ import annotations

import pytest

from tests.browser.conftest import NewPerson
from tests.browser.person import PHONE, WIDE

WIDTHS = (800, 1024, 1279, 1280, 1366, 1599, 1600, 1920)

pytestmark = pytest.mark.timeout(240)  # some thirty pages, on a machine that may be busy


def test_axe_finds_nothing_on_any_page_and_none_is_wider_than_its_window(
    new_person: NewPerson, paths: list[str]
) -> None:
    person = new_person("ar", "light", viewport=WIDE)
    faults = []
    for path in paths:
        person.page.set_viewport_size(WIDE)
        person.open(path)
        if person.is_sideways():
            faults.append(f"{path}: wider than a window")
        faults += [f"{path}: {fault}" for fault in person.axe()]
        person.turn_dark()
        faults += [f"{path}, dark: {fault}" for fault in person.axe("color-contrast")]
        person.page.set_viewport_size(PHONE)
        if person.is_sideways():
            faults.append(f"{path}: wider than a phone")
    assert faults == []


@pytest.mark.parametrize("language", ["en", "ar", "fa"])
def test_the_menu_has_room_in_every_window(new_person: NewPerson, language: str) -> None:
    person = new_person(language, "light", viewport=WIDE)
    person.open("/admin/deadletterqueue/")
    cramped = []
    for width in WIDTHS:
        person.page.set_viewport_size({"width": width, "height": 700})
        if person.is_sideways():
            cramped.append(width)
    assert cramped == []
