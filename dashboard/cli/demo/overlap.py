"""Checks on starts and ends of jobs: their order, and how many ran at the same time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from mahaam.queries.starts import Start

# Two consumers take jobs alternately, but each writes its starts in statements of its own.
BETWEEN_CONSUMERS = timedelta(milliseconds=200)

Change = tuple[datetime, int]


def out_of_order(rows: Iterable[Start]) -> tuple[Start, Start] | None:
    """Return the first two jobs of which the one that should start later started earlier, or None.

    A higher priority starts first, the older one among equals. Jobs that were claimed together
    have the same start.
    """
    rows = sorted(rows, key=lambda row: (-row.priority, row.id))
    alone = len({row.worker_id for row in rows}) == 1
    slack = timedelta() if alone else BETWEEN_CONSUMERS
    latest = rows[0]
    for row in rows[1:]:
        assert row.started_at is not None
        assert latest.started_at is not None
        if row.started_at + slack < latest.started_at:
            return latest, row
        if row.started_at > latest.started_at:
            latest = row
    return None


def peak(rows: Iterable[Start]) -> int:
    """Return the largest number of jobs that ran at once."""
    return max((running for _, running in _levels(rows)), default=0)


def longest_gap(rows: Sequence[Start], slots: int) -> timedelta:
    """Return the longest time for which fewer than `slots` ran although others waited for their start."""
    last_start = max(row.started_at for row in rows if row.started_at)
    longest = gap = timedelta()
    for (at, running), (until, _) in pairwise(_levels(rows)):
        is_gap = running < slots and at < last_start
        gap = gap + (min(until, last_start) - at) if is_gap else timedelta()
        longest = max(longest, gap)
    return longest


def _levels(rows: Iterable[Start]) -> list[Change]:
    """Return how many run from each time on. A job that ends frees its slot for one that starts then."""
    changes: list[Change] = []
    for row in rows:
        assert row.started_at is not None
        changes.append((row.started_at, 1))
        if row.finished_at is not None:
            changes.append((row.finished_at, -1))
    levels, running = [], 0
    for at, change in sorted(changes):
        running += change
        levels.append((at, running))
    return levels
