"""Metrics: what the charts are drawn from, the table beside each, sums by queue and task, deploys."""

from __future__ import annotations

import html
import itertools
import json
import re
from typing import Any

import pytest

from mahaam.core.histogram import bucket_of
from mahaam.metrics.queries import WINDOWS
from tests.dashboard import situations
from tests.dashboard.browser import Browser
from tests.dashboard.rows import add
from tests.factory import Sql

HOUR_S, DAY_S = 3600, 86400


def charts(text: str) -> list[dict[str, Any]]:
    """What each chart of a page is drawn from."""
    return [json.loads(html.unescape(found)) for found in re.findall(r'data-chart="([^"]*)"', text)]


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("is_filled", [False, True])
def test_every_window_has_points_without_a_gap(
    operator: Browser, window: str, is_filled: bool
) -> None:
    wanted = WINDOWS[window]
    if is_filled:
        situations.a_period(length_s=wanted.point_s, ago_s=3 * wanted.point_s, completed=5)
    throughput, wait, run = charts(operator.get(f"/admin/metrics/?window={window}").text)
    times = throughput["times"]
    assert {after - before for before, after in itertools.pairwise(times)} == {wanted.point_s}
    assert times[-1] - times[0] >= wanted.length_s - 2 * wanted.point_s
    assert sum(throughput["values"][0]) == (5 if is_filled else 0)
    assert wait["times"] == run["times"] == times


def test_waits_and_runs_are_told_as_percentiles(operator: Browser) -> None:
    waits, runs = [bucket_of(10), bucket_of(1000)], [bucket_of(50)]
    situations.a_period(
        length_s=60, ago_s=300, completed=100, waits=waits, wait_counts=[90, 10], runs=runs,
        run_counts=[100], oldest_s=42.0,
    )  # fmt: skip
    _throughput, wait, run = charts(operator.get("/admin/metrics/").text)
    p50, p95, p99, oldest = ([value for value in values if value] for values in wait["values"])
    assert p50 == pytest.approx([10], rel=0.1)
    assert p95 == p99 == pytest.approx([1000], rel=0.1)
    assert oldest == [42_000]
    assert [v for v in run["values"][0] if v] == pytest.approx([50], rel=0.1)


def test_a_queue_and_a_task_have_figures_of_their_own(operator: Browser) -> None:
    sums = WINDOWS["1h"].sum_s
    for queue, task, completed in (
        ("", "", 7),
        ("emails", "", 4),
        ("", "shop.a", 5),
        ("emails", "shop.a", 3),
    ):
        for length_s in (60, sums):
            situations.a_period(
                length_s=length_s, ago_s=700, queue=queue, task=task, completed=completed
            )
    for query, expected in (
        ("", 7),
        ("queue=emails", 4),
        ("task=shop.a", 5),
        ("queue=emails&task=shop.a", 3),
    ):
        text = operator.get(f"/admin/metrics/?{query}").text
        assert sum(charts(text)[0]["values"][0]) == expected, query
    text = operator.get("/admin/metrics/").text
    assert '/admin/metrics/?window=1h&amp;queue=emails"' in text
    assert '/admin/metrics/?window=1h&amp;task=shop.a"' in text


def test_what_is_older_than_the_window_does_not_count(operator: Browser) -> None:
    situations.a_period(length_s=60, ago_s=2 * HOUR_S, completed=9)
    assert sum(charts(operator.get("/admin/metrics/").text)[0]["values"][0]) == 0


def test_deploys_of_the_window_are_lines_in_every_chart(operator: Browser) -> None:
    add("deploy", revision="v2", marked_at=Sql("now() - interval '10 min'"))
    add("deploy", revision="v1", marked_at=Sql("now() - interval '3 days'"))
    text = operator.get("/admin/metrics/?window=1h").text
    assert [[line["text"] for line in chart["lines"]] for chart in charts(text)] == [["v2"]] * 3
    text = operator.get("/admin/metrics/?window=7d").text
    assert {line["text"] for line in charts(text)[0]["lines"]} == {"v1", "v2"}


@pytest.mark.parametrize(
    "path", ["/admin/", "/admin/queues/", "/admin/queues/default/", "/admin/metrics/"]
)
def test_every_chart_has_a_name_and_a_table(operator: Browser, path: str) -> None:
    text = operator.get(path).text
    boxes = re.findall(r'<div class="chart"[^>]*aria-label="[^"]+"', text)
    assert boxes
    assert len(boxes) == text.count("chart-table")


def test_a_table_beside_a_chart_stays_short(operator: Browser) -> None:
    text = operator.get("/admin/metrics/?window=30d").text
    assert len(charts(text)[0]["times"]) >= 30 * 24
    assert text.count("<tr><td>") <= 3 * 30
