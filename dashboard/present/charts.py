"""The data of the charts in a page: JSON in an attribute, for static/charts.js."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext as _

from mahaam.metrics.deploys_queries import DeployEntry
from mahaam.metrics.queries import Metrics
from mahaam.schedules.queries import FireEntry


def of_throughput(minutes: Sequence[tuple[datetime, int, int]]) -> dict[str, Any]:
    """Return the chart of completed and failed jobs per minute."""
    return _chart(
        [at for at, *_rest in minutes],
        (_("completed"), "green", [completed for _at, completed, _failed in minutes]),
        (_("failed"), "red", [failed for _at, _completed, failed in minutes]),
        unit="jobs",
    )


def of_metrics(found: Metrics, marks: Iterable[DeployEntry]) -> dict[str, dict[str, Any]]:
    """Return the three charts of one window, with the deploys as lines."""
    points = found.points[:-1] or found.points  # the newest is not over: its counts would drop
    times = [at for at, _figures in points]
    figures = [figures for _at, figures in points]
    lines = [{"at": mark.marked_at.timestamp(), "text": mark.revision} for mark in marks]
    waits, runs = [one.wait_ms for one in figures], [one.run_ms for one in figures]
    oldest = [None if one.oldest_s is None else one.oldest_s * 1000 for one in figures]
    return {
        "throughput": _chart(
            times,
            (_("completed"), "green", [one.completed for one in figures]),
            (_("failed"), "red", [one.failed for one in figures]),
            (_("retried"), "orange", [one.retried for one in figures]),
            unit="jobs",
            lines=lines,
        ),
        "wait": _chart(
            times,
            *_percentiles(waits),
            (_("oldest waiting"), "purple", oldest),
            unit="ms",
            lines=lines,
        ),
        "run": _chart(times, *_percentiles(runs), unit="ms", lines=lines),
    }


def of_fires(fires: Sequence[FireEntry]) -> dict[str, Any]:
    """Return the chart of how long a schedule's jobs ran, by the times at which they were due."""
    ran = [fire for fire in reversed(fires) if fire.ran_s is not None]
    return _chart(
        [fire.fire_at for fire in ran],
        (_("ran"), "blue", [round(max((fire.ran_s or 0) * 1000, 0.1), 2) for fire in ran]),
        unit="ms",
    )


def _percentiles(values: Sequence[Sequence[float | None]]) -> Iterable[tuple[str, str, list[Any]]]:
    for place, (name, colour) in enumerate((("p50", "azure"), ("p95", "blue"), ("p99", "red"))):
        yield name, colour, [None if v[place] is None else round(v[place] or 0, 2) for v in values]


def _chart(
    times: Sequence[datetime],
    *series: tuple[str, str, list[Any]],
    unit: str,
    lines: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    """Return a chart. Each of `series` is a name, a colour of tokens.css and values. `unit` is jobs or ms."""
    return {
        "times": [int(at.timestamp()) for at in times],
        "series": [{"name": name, "colour": colour} for name, colour, _values in series],
        "values": [values for *_rest, values in series],
        "unit": unit,
        "lines": list(lines),
    }
