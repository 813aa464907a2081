"""Every page in Arabic: nothing fails, axe-core finds nothing in either theme, a phone is enough."""

from __future__ import annotations

import pytest

from tests.browser.conftest import NewPerson
from tests.browser.person import PHONE, WIDE

pytestmark = pytest.mark.timeout(240)  # some thirty pages, on a machine that may be busy


def test_axe_finds_nothing_on_any_page_and_none_is_wider_than_a_phone(
    new_person: NewPerson, paths: list[str]
) -> None:
    person = new_person("ar", "light", viewport=WIDE)
    faults = []
    for path in paths:
        person.page.set_viewport_size(WIDE)
        person.open(path)
        faults += [f"{path}: {fault}" for fault in person.axe()]
        person.turn_dark()
        faults += [f"{path}, dark: {fault}" for fault in person.axe("color-contrast")]
        person.page.set_viewport_size(PHONE)
        if person.is_sideways():
            faults.append(f"{path}: wider than a phone")
    assert faults == []
