"""Every page on a phone: nothing fails, and nobody has to scroll sideways."""

from __future__ import annotations

import pytest

from tests.browser.conftest import NewPerson
from tests.browser.person import PHONE

pytestmark = pytest.mark.timeout(240)  # some thirty pages each, on a machine that may be busy


@pytest.mark.parametrize(("language", "theme"), [("fa", "light"), ("en", "dark"), ("ar", "light")])
def test_no_page_is_wider_than_a_phone(
    new_person: NewPerson, paths: list[str], language: str, theme: str
) -> None:
    person = new_person(language, theme, viewport=PHONE)
    wide = []
    for path in paths:
        person.open(path)
        if person.is_sideways():
            wide.append(path)
    assert wide == []
