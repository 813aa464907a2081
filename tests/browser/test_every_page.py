"""Every page, light and dark, both directions: nothing fails, axe-core finds nothing, a phone is enough."""

from __future__ import annotations

import pytest

from tests.browser.conftest import NewPerson
from tests.browser.person import PHONE, WIDE

pytestmark = pytest.mark.timeout(240)  # some thirty pages each, on a machine that may be busy


@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("ar", "dark")])
def test_axe_finds_nothing_on_any_page_and_none_is_wider_than_a_phone(
    new_person: NewPerson, paths: list[str], language: str, theme: str
) -> None:
    person = new_person(language, theme, viewport=WIDE)
    faults = []
    for path in paths:
        person.page.set_viewport_size(WIDE)
        person.open(path)
        faults += [f"{path}: {fault}" for fault in person.axe()]
        person.page.set_viewport_size(PHONE)
        if person.is_sideways():
            faults.append(f"{path}: wider than a phone")
    assert faults == []
