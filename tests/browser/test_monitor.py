"""The monitor while somebody looks at it: charts, folds and focus survive what is new."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NewPerson
from tests.browser.person import Person, is_refresh
from tests.dashboard import situations
from tests.dashboard.rows import a_job, add, ask
from tests.factory import Sql

pytestmark = pytest.mark.timeout(120)

ON_THE_WAY = ".htmx-request, .htmx-swapping, .htmx-settling"
CANVASES = "document.querySelectorAll('.chart canvas').length"
FIGURES = "[...document.querySelectorAll('[data-chart]')].map((chart) => chart.dataset.chart)"
# What a chart shows, and a mark on its canvas that another canvas would not have.
MARK = "document.querySelectorAll('.chart canvas').forEach((canvas) => { canvas.dataset.mark = 'old'; })"
MARKED = "document.querySelectorAll('.chart canvas[data-mark]').length"
IS_INK_THERE = """
[...document.querySelectorAll('.chart canvas')].every((canvas) =>
  canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((part) => part > 0))
"""


@pytest.fixture
def person(new_person: NewPerson) -> Person:
    person = new_person()
    ask("DELETE FROM job")
    situations.a_minute(ago_s=120, completed=40, failed=2)
    return person


def chart(person: Person) -> dict[str, object]:
    """What the first chart is drawn from."""
    found: dict[str, object] = json.loads(
        person.page.locator(".chart").first.get_attribute("data-chart") or ""
    )
    return found


def failed(person: Person) -> object:
    """The number that the card of the queue shows."""
    return person.page.locator("#queue-default .queue-counts li", has_text="failed").locator(
        "strong"
    )


def test_a_card_counts_by_itself_and_the_focus_stays(person: Person) -> None:
    person.open("/admin/queues/")
    button = person.page.locator("#queue-default a.btn")
    button.focus()
    for _ in range(3):
        a_job("failed", error="E: x")
    expect(failed(person)).to_have_text("3")
    expect(button).to_be_focused()


@pytest.mark.parametrize("path", ["/admin/", "/admin/queues/", "/admin/metrics/"])
def test_charts_are_drawn_and_survive_a_refresh(person: Person, path: str) -> None:
    person.open(path)
    expect(person.page.locator(".chart canvas").first).to_be_visible()
    assert person.page.evaluate(IS_INK_THERE)
    count = person.page.evaluate(CANVASES)
    for _ in range(3):  # at the turn of a minute there are new figures, and a chart is drawn anew
        figures = person.page.evaluate(FIGURES)
        person.page.evaluate(MARK)
        a_job("queued")
        with person.page.expect_response(is_refresh):
            pass
        expect(person.page.locator(ON_THE_WAY)).to_have_count(0)
        if person.page.evaluate(FIGURES) == figures:
            break
    assert (person.page.evaluate(CANVASES), person.page.evaluate(MARKED)) == (count, count)


def test_a_chart_is_drawn_anew_when_its_figures_change(person: Person) -> None:
    person.open("/admin/queues/")
    before = chart(person)
    person.page.evaluate(MARK)
    situations.a_minute(ago_s=180, completed=99)
    expect(person.page.locator(".chart canvas[data-mark]")).to_have_count(0)
    assert chart(person) != before
    assert person.page.evaluate(IS_INK_THERE)


def test_a_chart_takes_the_colours_of_the_theme(person: Person) -> None:
    person.open("/admin/queues/")
    expect(person.page.locator(".chart canvas")).to_be_visible()
    person.page.evaluate(MARK)
    person.page.evaluate("document.documentElement.dataset.bsTheme = 'dark'")
    expect(person.page.locator(".chart canvas[data-mark]")).to_have_count(0)


def test_an_opened_table_stays_open_while_the_page_goes_on(person: Person) -> None:
    person.open("/admin/queues/")
    person.page.locator(".chart-table summary").click()
    person.page.mouse.move(0, 0)
    a_job("failed", error="E: x")
    expect(failed(person)).to_have_text("1")
    assert person.page.locator(".chart-table").get_attribute("open") is not None


def test_a_job_unfolds_in_place_and_holds_the_list_still(person: Person) -> None:
    first = a_job("failed", error="E: first")
    person.open("/admin/queues/default/?state=failed")
    row = person.page.locator(f"#job-{first}")
    row.locator("summary").click()
    expect(row.locator(".unfold-body")).to_contain_text("order_id")
    person.page.mouse.move(0, 0)
    with person.refreshed():
        second = a_job("failed", error="E: second")
    assert person.page.locator(f"#job-{second}").count() == 0

    row.locator("summary").click()
    person.page.evaluate("document.activeElement.blur()")
    person.page.mouse.move(0, 0)
    expect(person.page.locator(f"#job-{second}")).to_be_visible()
    expect(row.locator(".unfold-body")).to_contain_text("order_id")


def test_a_pointer_that_rests_on_a_link_does_not_stop_the_monitor(person: Person) -> None:
    person.open("/admin/queues/")
    person.page.hover("#queue-default h2 a")
    a_job("failed", error="E: x")
    expect(failed(person)).to_have_text("1", timeout=15_000)


def test_a_deploy_is_marked_in_the_charts(person: Person) -> None:
    add("deploy", revision="v2", marked_at=Sql("now() - interval '9 min'"))
    person.open("/admin/metrics/")
    assert [line["text"] for line in chart(person)["lines"]] == ["v2"]  # type: ignore[attr-defined]
    expect(person.page.get_by_text("v2", exact=True)).to_be_visible()
