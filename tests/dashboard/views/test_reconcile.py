"""The page that compares Redis with PostgreSQL, and its button."""

from __future__ import annotations

import pytest

from dashboard.auth import access
from mahaam.enqueuing import accept
from tests.dashboard.browser import Browser
from tests.dashboard.conftest import LogIn
from tests.dashboard.rows import a_job, ask


def lose_a_bell() -> str:
    job = a_job()
    ask("UPDATE job SET queued_at = now() - interval '1 minute'")
    accept.notice()._client.zadd(accept.notice().key("default"), {"<i>junk</i>": 0})
    return str(job)


def is_rung(job: str) -> bool:
    return accept.notice()._client.zscore(accept.notice().key("default"), job) is not None


def test_the_page_names_what_is_wrong_and_changes_nothing(operator: Browser) -> None:
    job = lose_a_bell()

    page = operator.get("/admin/reconcile/").text

    assert "queued, but not in Redis" in page
    assert job in page
    assert "&lt;i&gt;junk&lt;/i&gt;" in page
    assert not is_rung(job)


def test_the_button_mends_it(operator: Browser) -> None:
    job = lose_a_bell()

    assert operator.post("/admin/reconcile/repair/", {}).location == "/admin/reconcile/"

    page = operator.get("/admin/reconcile/").text
    assert "2 faults were mended." in page
    assert "differs" not in page
    assert is_rung(job)


@pytest.mark.parametrize("role", access.RANKS)
def test_only_operators_repair(log_in: LogIn, role: str) -> None:
    job = lose_a_bell()
    browser = log_in(role)
    assert browser.get("/admin/reconcile/").status_code == 200
    answer = browser.post("/admin/reconcile/repair/", {})
    assert answer.status_code == (403 if role == "viewer" else 303)
    assert is_rung(job) is (role != "viewer")


def test_a_get_repairs_nothing(operator: Browser) -> None:
    assert operator.get("/admin/reconcile/repair/").status_code == 405
