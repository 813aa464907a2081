"""Lists show every row once, newest first, page by page, with both sides of each filter."""

from __future__ import annotations

import os
import re
from contextlib import closing
from functools import partial

import psycopg2
import pytest

from mahaam.postgres import paging, query_limits
from mahaam.queries import job_list
from tests.dashboard.browser import Browser
from tests.dashboard.rows import a_job, a_letter, ask

ROW = re.compile(r'name="rowid" value="([^"]+)"')
LINK = r'rel="{0}" href="([^"]+)"'


def follow(browser: Browser, page: str, rel: str) -> str | None:
    """The page behind a pager's link; None when there is none."""
    found = re.search(LINK.format(rel), page)
    return browser.get(found[1].replace("&amp;", "&")).text if found else None


@pytest.mark.parametrize("count", [50, 51, 120])
def test_a_list_shows_every_row_once_in_both_directions(operator: Browser, count: int) -> None:
    ids = [str(a_job()) for _ in range(count)][::-1]
    pages = [operator.get("/admin/job/?state=queued").text]
    while next_page := follow(operator, pages[-1], "next"):
        pages.append(next_page)
    assert [id_ for page in pages for id_ in ROW.findall(page)] == ids
    back = pages[-1]
    for page in pages[-2::-1]:
        back = follow(operator, back, "prev")
        assert ROW.findall(back) == ROW.findall(page)
    assert follow(operator, back, "prev") is None


@pytest.mark.parametrize(
    ("query", "is_shown"),
    [
        ("state=failed", (True, False)),
        ("state=queued", (False, True)),
        ("queue=emails", (False, True)),
        ("queue=default", (True, False)),
        ("task=tasks.demo.echo", (True, False)),
        ("task=tasks.demo.fail&state=queued", (False, True)),
        ("", (True, True)),
    ],
)
def test_a_filter_keeps_the_one_and_drops_the_other(
    operator: Browser, query: str, is_shown: tuple[bool, bool]
) -> None:
    pair = a_job("failed"), a_job("queued", queue="emails", task="tasks.demo.fail")
    rows = ROW.findall(operator.get(f"/admin/job/?{query}").text)
    assert tuple(str(id_) in rows for id_ in pair) == is_shown


@pytest.mark.parametrize("mark", ["reprocessed", "resolved", "notified"])
def test_a_mark_of_a_dead_letter_can_be_asked_for(operator: Browser, mark: str) -> None:
    marked, other = a_letter(), a_letter()
    ask(f"UPDATE dead_letter SET {mark}_at = now() WHERE id = %s", (marked,))
    for answer, expected in (("yes", [marked]), ("no", [other]), ("", [other, marked])):
        page = operator.get(f"/admin/deadletterqueue/?{mark}={answer}").text
        assert ROW.findall(page) == [str(id_) for id_ in expected]


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    ("path", "table"), [("/admin/job/", "job"), ("/admin/operation/", "operation")]
)
def test_a_slow_list_says_narrow_the_filter(
    operator: Browser, monkeypatch: pytest.MonkeyPatch, path: str, table: str
) -> None:
    for module in (job_list, paging):
        monkeypatch.setattr(module, "time_limit", partial(query_limits.time_limit, limit_ms=50))
    with closing(psycopg2.connect(os.environ["DATABASE_URL"])) as other, other.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {table}")
        page = operator.get(path)
    assert page.status_code == 400
    assert "Narrow the filter" in page.text
    assert operator.get(path).status_code == 200
