"""Every page, light and dark, both directions: nothing fails, and axe-core finds nothing."""

from __future__ import annotations

import pytest

from tests.browser.conftest import NewPerson
from tests.browser.person import WIDE

pytestmark = pytest.mark.timeout(240)  # some thirty pages each, on a machine that may be busy


@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("ar", "dark")])
def test_axe_finds_nothing_on_any_page(
    new_person: NewPerson, paths: list[str], language: str, theme: str
) -> None:
    person = new_person(language, theme, viewport=WIDE)
    faults = []
    for path in paths:
        person.open(path)
        faults += [f"{path}: {fault}" for fault in person.axe()]
    assert faults == []
