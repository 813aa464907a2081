"""Filters with a name: kept, offered, shared by those who may, deleted by whom they belong to."""

from __future__ import annotations

import re
from html import escape
from typing import Any

import pytest

from dashboard.jobs import saved_views
from tests.dashboard.browser import Browser
from tests.dashboard.conftest import LogIn
from tests.dashboard.rows import ask

SAVE = "/admin/view/"
LINK = r'href="([^"]+)"[^>]*><span dir="auto">{0}</span>'
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}",
    "' OR 1=1 --",
)


@pytest.fixture(autouse=True)
def _without_views(app: object) -> None:
    ask("DELETE FROM saved_view")


def save(browser: Browser, name: str, **form: Any) -> int:
    """The status of saving a filter."""
    return browser.post(SAVE, {"name": name, "state": "failed", **form}).status_code


def kept() -> list[tuple[Any, ...]]:
    """Every view: name, filter, whether it is shared."""
    return ask("SELECT name, filter, is_shared FROM saved_view ORDER BY name")


def test_a_view_is_offered_and_opens_its_filter(operator: Browser) -> None:
    answer = operator.post(
        SAVE,
        {"name": " Broken  mail ", "state": "failed", "argument": "user_id=42", "queue": "emails"},
    )
    assert answer.status_code == 303
    address = re.search(LINK.format("Broken mail"), operator.get("/admin/job/").text)
    assert address
    page = operator.get(address[1].replace("&amp;", "&"))
    assert page.status_code == 200
    assert kept() == [
        (
            "Broken mail",
            {"state": "failed", "queue": "emails", "argument": '{"user_id": 42}'},
            False,
        )
    ]
    assert 'name="queue" value="emails"' in page.text


def test_the_same_name_replaces_the_view(operator: Browser) -> None:
    save(operator, "mine")
    save(operator, "mine", state="queued")
    assert kept() == [("mine", {"state": "queued"}, False)]


def test_a_view_is_for_its_owner_until_it_is_shared(log_in: LogIn) -> None:
    operator, viewer = log_in("operator"), log_in("viewer")
    save(operator, "private")
    save(operator, "public", shared="yes")
    shown = viewer.get("/admin/job/").text
    assert "public" in shown
    assert "private" not in shown


@pytest.mark.parametrize(("role", "expected"), [("viewer", 403), ("operator", 303), ("admin", 303)])
def test_only_some_may_share_and_all_may_save(log_in: LogIn, role: str, expected: int) -> None:
    browser = log_in(role)
    assert save(browser, "mine") == 303
    assert save(browser, "for all", shared="yes") == expected
    assert len(kept()) == (1 if expected == 403 else 2)
    assert ('name="shared"' in browser.get("/admin/job/").text) == (expected == 303)


def test_only_the_owner_deletes(log_in: LogIn) -> None:
    operator, admin = log_in("operator"), log_in("admin")
    save(operator, "public", shared="yes")
    ((view_id,),) = ask("SELECT id FROM saved_view")
    path = f"{SAVE}{view_id}/delete/"
    assert admin.post(path, {"url": "/admin/job/"}).status_code == 404
    assert operator.get(path).status_code == 405
    assert operator.post(path, {}, with_token=False).status_code == 400
    assert operator.post(path, {"url": "/admin/job/?state=failed"}).status_code == 303
    assert kept() == []
    assert operator.post(path, {"url": "/admin/job/"}).status_code == 404


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_shown_as_text(log_in: LogIn, name: str) -> None:
    assert save(log_in("operator"), name, shared="yes") == 303
    for live in ({}, {"HX-Request": "true"}):
        page = log_in("viewer").get("/admin/job/", **live).text
        assert (name in page) == (escape(name) == name)
        assert escape(name).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in page


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "a\u0000b", "line\u202ebreak"])
def test_a_view_needs_a_name_that_can_be_shown(operator: Browser, name: str) -> None:
    assert save(operator, name) == 303
    assert kept() == []


@pytest.mark.parametrize("form", [{"state": "broken"}, {"error": "ab"}, {"argument": "{}"}])
def test_a_filter_with_faults_is_not_saved(operator: Browser, form: dict[str, str]) -> None:
    assert save(operator, "mine", **form) == 400
    assert kept() == []


def test_nobody_has_more_views_than_can_be_chosen_from(
    operator: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_views, "MAX_VIEWS", 2)
    for name in ("a", "b", "c", "b"):
        save(operator, name)
    assert [row[0] for row in kept()] == ["a", "b"]
