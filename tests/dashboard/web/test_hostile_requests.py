"""Whatever is asked, the answer is a page of ours and never a 500."""

from __future__ import annotations

import pytest

from tests.dashboard.browser import Browser
from tests.dashboard.rows import a_job, a_letter

LISTS = ("/admin/job/", "/admin/deadletterqueue/")
QUERIES = (
    "page=-1",
    "page=1e20",
    "search=%00",
    "after=abc",
    "after=%00",
    "before=-1",
    "after=99999999999999999999999999",
    "after=%D9%A1",
    "queue=%00",
    "task=" + "x" * 5000,
    "task=%0A",
    "sort=1",
    "flt1_0=x",
    "state=%27;DROP%20TABLE%20job",
    "url=https:evil.com",
)
OWN_QUERIES = (
    ("/admin/job/", "state=unknown"),
    ("/admin/job/", "state=FAILED"),
    ("/admin/job/", "after=00000000-0000-0000-0000-00000000000g"),
    ("/admin/deadletterqueue/", "resolved=maybe"),
    ("/admin/deadletterqueue/", "after=9223372036854775808"),
)
MISSING = (
    "/admin/job/nonsense/",
    "/admin/job/abc/",
    "/admin/job/%00/",
    "/admin/job/00000000-0000-7000-8000-000000000000/",
    "/admin/deadletterqueue/abc/",
    "/admin/deadletterqueue/-1/",
    "/admin/deadletterqueue/9223372036854775808/",
    "/admin/deadletterqueue/9223372036854775807/",
    "/admin/operation/abc/",
    "/admin/operation/-1/",
    "/admin/operation/9223372036854775808/",
    "/admin/operation/9223372036854775807/",
    "/admin/job/00000000-0000-7000-8000-000000000000/edit/",
    "/admin/job/nonsense/edit/",
    "/admin/job/new/",
    "/admin/job/edit/?id=1",
    "/admin/job/export/csv/",
    "/admin/static/bootstrap/bootstrap4/css/bootstrap.min.css",
    "/register",
    "/reset",
    "/login",
    "/jobs/create/?task=nobody.knows",
    "/static/../config.py",
)


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("path", LISTS)
def test_a_filter_that_means_nothing_is_an_error_on_the_page(
    operator: Browser, path: str, query: str
) -> None:
    a_job()
    a_letter()
    page = operator.get(f"{path}?{query}")
    assert page.status_code == 400
    assert 'role="alert"' in page.text
    assert 'name="rowid"' not in page.text


@pytest.mark.parametrize(("path", "query"), OWN_QUERIES)
def test_an_unknown_value_is_named_and_never_ignored(
    operator: Browser, path: str, query: str
) -> None:
    a_letter()
    page = operator.get(f"{path}?{query}")
    assert page.status_code == 400
    assert "is not a value for the filter" in page.text
    assert 'name="rowid"' not in page.text


@pytest.mark.parametrize("path", LISTS)
def test_an_empty_filter_is_none(operator: Browser, path: str) -> None:
    a_letter()
    page = operator.get(f"{path}?queue=&task=&after=")
    assert page.status_code == 200
    assert 'name="rowid"' in page.text


@pytest.mark.parametrize("path", MISSING)
def test_what_is_not_there_is_a_404_in_our_look(operator: Browser, path: str) -> None:
    page = operator.get(path)
    assert page.status_code == 404
    assert "Mahaam" in page.text


def test_a_wrong_method_is_a_405_in_our_look(operator: Browser) -> None:
    page = operator.get("/admin/job/action/")
    assert page.status_code == 405
    assert "Mahaam" in page.text


def test_too_much_at_once_is_a_413(operator: Browser) -> None:
    form = {"task": "tasks.demo.echo", "arg-value": "x" * 3_000_000}
    assert operator.post("/jobs/create/", form).status_code == 413
