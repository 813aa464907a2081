"""The data of the charts: throughput, failures, waits and runs over a window, from the periods."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import text

from mahaam.core.histogram import percentiles_ms
from mahaam.postgres.query_limits import Reader, time_limit

SHARES = (0.5, 0.95, 0.99)

# Numbers of buckets, ascending, and their counts.
BucketCounts = tuple[Sequence[int], Sequence[int]]
EMPTY: BucketCounts = ((), ())


@dataclass(frozen=True)
class TimeWindow:
    """A time window up to now, with the length of a chart's point and of the periods that are summed.

    It begins with a whole period of `sum_s`, so that charts and sums are about the same jobs.
    """

    length_s: int
    point_s: int
    sum_s: int


WINDOWS = {
    "1h": TimeWindow(3600, 60, 600),
    "6h": TimeWindow(6 * 3600, 600, 3600),
    "24h": TimeWindow(86400, 600, 3600),
    "7d": TimeWindow(7 * 86400, 3600, 86400),
    "30d": TimeWindow(30 * 86400, 3600, 86400),
}


@dataclass(frozen=True)
class Figures:
    """Counts and latency stats of some jobs; `oldest_s` is the longest that a job was seen to wait."""

    completed: int = 0
    failed: int = 0
    retried: int = 0
    waits: BucketCounts = EMPTY
    runs: BucketCounts = EMPTY
    oldest_s: float | None = None

    @cached_property
    def wait_ms(self) -> list[float | None]:
        """Return p50, p95, p99 of the waits before first starts."""
        return percentiles_ms(*self.waits, SHARES)

    @cached_property
    def run_ms(self) -> list[float | None]:
        """Return p50, p95, p99 of the runs."""
        return percentiles_ms(*self.runs, SHARES)


@dataclass(frozen=True)
class Metrics:
    """A window: its points in order of time without a gap, and the sums by queue and by task."""

    window: TimeWindow
    since: datetime
    points: tuple[tuple[datetime, Figures], ...]
    queues: dict[str, Figures]
    tasks: dict[str, Figures]

    def coarse(self, count: int) -> list[tuple[datetime, Figures]]:
        """Return the points, merged to `count` at most."""
        size = -(-len(self.points) // count)
        starts = range(0, len(self.points), size)
        batches = [self.points[start : start + size] for start in starts]
        return [(batch[0][0], summed(figures for _, figures in batch)) for batch in batches]


BEGIN = """
SELECT date_bin(:sum_s * interval '1 second', now() - :length_s * interval '1 second', 'epoch') AS since,
       date_bin(:point_s * interval '1 second', now(), 'epoch') AS newest
"""

_COLUMNS = "completed, failed, retried, waits, wait_counts, runs, run_counts"

# Index: key of job_period, one row per period. How long the oldest job waited is known of queues
# only.
POINTS = f"""
SELECT starts_at, {_COLUMNS}, age.oldest_s
FROM (SELECT * FROM job_period
       WHERE length_s = :point_s AND starts_at >= :since AND queue = :queue AND task = :task) AS period
FULL JOIN (SELECT starts_at, oldest_s FROM job_period
            WHERE length_s = :point_s AND starts_at >= :since AND queue = :queue AND task = '') AS age
     USING (starts_at)
"""

# Index: key of job_period; some fifty rows per period, of which there are 60 at most.
SUMS = f"""
SELECT queue, task, {_COLUMNS}, oldest_s FROM job_period
WHERE length_s = :sum_s AND starts_at >= :since
  AND (task = '' AND queue <> '' OR task <> '' AND queue = :queue)
"""


def metrics(
    session: Reader, window: TimeWindow, *, queue: str | None = None, task: str | None = None
) -> Metrics:
    """Return the window up to now, of one queue or task or of all. Raises QueryTooSlow."""
    values: dict[str, Any] = {
        "length_s": window.length_s, "point_s": window.point_s, "sum_s": window.sum_s,
        "queue": queue or "", "task": task or "",
    }  # fmt: skip
    with time_limit(session):
        begin = session.execute(text(BEGIN), values).one()
        values["since"] = begin.since
        found = {row.starts_at: _figures(row) for row in session.execute(text(POINTS), values)}
        sums = session.execute(text(SUMS), values).all()
    return Metrics(
        window,
        begin.since,
        tuple(_without_gap(found, window, begin.since, begin.newest)),
        queues=_by_name((row.queue, row) for row in sums if not row.task),
        tasks=_by_name((row.task, row) for row in sums if row.task),
    )


def summed(parts: Iterable[Figures]) -> Figures:
    """Return the figures of all parts together."""
    parts = tuple(parts)
    ages = [part.oldest_s for part in parts if part.oldest_s is not None]
    return Figures(
        sum(part.completed for part in parts),
        sum(part.failed for part in parts),
        sum(part.retried for part in parts),
        _together(part.waits for part in parts),
        _together(part.runs for part in parts),
        max(ages, default=None),
    )


def _together(latencies: Iterable[BucketCounts]) -> BucketCounts:
    sums: dict[int, int] = {}
    for counted in latencies:
        for bucket, count in zip(*counted, strict=True):
            sums[bucket] = sums.get(bucket, 0) + count
    buckets = sorted(sums)
    return buckets, [sums[bucket] for bucket in buckets]


def _without_gap(
    found: dict[datetime, Figures], window: TimeWindow, since: datetime, newest: datetime
) -> Iterator[tuple[datetime, Figures]]:
    step = timedelta(seconds=window.point_s)
    while since <= newest:
        yield since, found.get(since) or Figures()
        since += step


def _by_name(rows: Iterable[tuple[str, Any]]) -> dict[str, Figures]:
    """Return the figures by name, the busiest first."""
    parts: dict[str, list[Figures]] = {}
    for name, row in rows:
        parts.setdefault(name, []).append(_figures(row))
    sums = {name: summed(of_name) for name, of_name in parts.items()}
    return dict(
        sorted(sums.items(), key=lambda pair: (-pair[1].completed - pair[1].failed, pair[0]))
    )


def _figures(row: Any) -> Figures:
    return Figures(
        row.completed or 0,
        row.failed or 0,
        row.retried or 0,
        (row.waits or (), row.wait_counts or ()),
        (row.runs or (), row.run_counts or ()),
        row.oldest_s,
    )
