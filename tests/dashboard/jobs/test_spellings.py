"""A search by an argument finds what the page shows of it, whatever Python type it was."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest

from mahaam.core.payload import dump_call
from tests.dashboard.browser import Browser
from tests.dashboard.rows import a_job, ask

ID = uuid.UUID("01890a5d-ac96-774b-bcce-b302099a8057")
SHOWN: tuple[tuple[Any, str], ...] = (
    (date(2026, 1, 1), "2026-01-01"),
    (datetime(2026, 1, 1, 8, 30, tzinfo=UTC), "2026-01-01T08:30:00+00:00"),
    (datetime(2026, 1, 1, 8, 30, tzinfo=UTC), "2026-01-01T11:30:00+03:00"),
    (datetime(2026, 1, 1, 8, 30), "2026-01-01T08:30:00"),  # noqa: DTZ001
    (time(8, 30), "08:30:00"),
    (Decimal("12.50"), "12.50"),
    (Decimal(12), "12"),
    (12.5, "12.50"),
    (1e16, "1e16"),
    (ID, str(ID)),
    (True, "true"),
    ("true", "true"),
    (False, "false"),
    (None, "null"),
    (b"\x00\x01", "AAE="),
    ((1, 2), "(1, 2)"),
    ((1, 2), "[1, 2]"),
    (("a", 2.5, None), "('a', 2.5, None)"),
    ((date(2026, 1, 1), 2), '["2026-01-01", 2]'),
    ({7}, "[7]"),
    ("2026-01-01", "2026-01-01"),
    ("12.50", '"12.50"'),
    ([1, 2], "[1, 2]"),
)


@pytest.mark.parametrize(("value", "typed"), SHOWN, ids=lambda value: repr(value)[:40])
def test_what_is_shown_is_found(operator: Browser, value: object, typed: str) -> None:
    job = a_job_with(value)
    assert job in found(operator, f"what={typed}")
    assert job in found(operator, f"deep.what={typed}")


@pytest.mark.parametrize(
    ("value", "typed"),
    [
        (date(2026, 1, 1), "2026-01-02"), (Decimal("12.50"), "12.51"), (True, "false"),
        ((1, 2), "(2, 3)"), ("2026-01-01", "2026-01-01T00:00:00+01:00"), (12.5, "1"), (None, "0"),
    ],
)  # fmt: skip
def test_what_is_not_shown_is_not(operator: Browser, value: object, typed: str) -> None:
    assert a_job_with(value) not in found(operator, f"what={typed}")


@pytest.mark.parametrize("typed", ['["2026-01-01"]', "[12.50]", "[true]"])
def test_positional_arguments_are_found_too(operator: Browser, typed: str) -> None:
    job = a_job("completed")
    args, _ = dump_call((date(2026, 1, 1), Decimal("12.50"), True), {}, limit_bytes=10_000)
    ask("UPDATE job SET args = %s WHERE id = %s", (args, str(job)))
    assert str(job) in found(operator, typed)


def a_job_with(value: object) -> str:
    """A job whose argument `what`, and another deeper down, has this value."""
    job = a_job("completed")
    _, kwargs = dump_call((), {"what": value, "deep": {"what": value}}, limit_bytes=10_000)
    ask("UPDATE job SET kwargs = %s WHERE id = %s", (kwargs, str(job)))
    return str(job)


def found(browser: Browser, typed: str) -> str:
    """The list that a search shows."""
    page = browser.get(f"/admin/job/?{urlencode({'argument': typed})}")
    assert page.status_code == 200, page.text
    return page.text
