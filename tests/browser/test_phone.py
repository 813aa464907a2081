"""Every page as a phone loads it: nothing fails, and nobody has to scroll sideways."""

from __future__ import annotations

import pytest

from tests.browser.conftest import NewPerson
from tests.browser.person import PHONE

pytestmark = pytest.mark.timeout(240)  # some thirty pages each, on a machine that may be busy


def test_every_page_opens_on_a_persian_phone(new_person: NewPerson, paths: list[str]) -> None:
    person = new_person("fa", "light", viewport=PHONE)
    wide = []
    for path in paths:
        person.open(path)
        if person.is_sideways():
            wide.append(path)
    assert wide == []
