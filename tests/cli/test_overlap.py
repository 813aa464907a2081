"""The judge of the demo: what it must notice."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from dashboard.cli.demo.overlap import longest_gap, out_of_order, peak
from mahaam.queries.starts import Start

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
HERE, THERE = uuid.UUID(int=1), uuid.UUID(int=2)


def row(
    number: int, start_s: float, end_s: float, *, priority: int = 0, at: uuid.UUID = HERE
) -> Start:
    """A job that ran from `start_s` to `end_s` seconds after noon."""
    started_at, finished_at = (NOON + timedelta(seconds=moment) for moment in (start_s, end_s))
    return Start(uuid.UUID(int=number), priority, "completed", at, NOON, started_at, finished_at)


def test_a_lower_priority_that_starts_first_is_out_of_order() -> None:
    high, low = row(2, 1, 2, priority=9), row(1, 0, 1)
    assert out_of_order([low, high]) == (high, low)
    assert out_of_order([row(1, 1, 2), row(2, 0, 1, priority=9)]) is None


def test_among_equals_the_older_one_starts_first() -> None:
    older, newer = row(1, 1, 2), row(2, 0, 1)
    assert out_of_order([older, newer]) == (older, newer)
    assert out_of_order([row(1, 0, 1), row(2, 0, 1), row(3, 1, 2)]) is None


def test_only_between_two_consumers_a_moment_does_not_count() -> None:
    assert out_of_order([row(1, 0.1, 1), row(2, 0, 1)]) is not None
    assert out_of_order([row(1, 0.1, 1), row(2, 0, 1, at=THERE)]) is None
    assert out_of_order([row(1, 0.9, 1), row(2, 0, 1, at=THERE)]) is not None


def test_the_peak_counts_who_runs_at_the_same_time() -> None:
    assert peak([row(1, 0, 2), row(2, 1, 3), row(3, 2, 4)]) == 2
    assert peak([row(1, 0, 2), row(2, 1, 3), row(3, 1.9, 4)]) == 3
    assert peak([]) == 0


def test_a_gap_is_a_free_slot_while_others_wait() -> None:
    full = [row(1, 0, 1), row(2, 0, 1), row(3, 1, 2)]
    assert longest_gap(full, 2) == timedelta()  # nobody waited when the second slot was free
    late = [row(1, 0, 1), row(2, 0, 3), row(3, 1.75, 3)]
    assert longest_gap(late, 2) == timedelta(seconds=0.75)
    idle = [row(1, 0, 1), row(2, 0, 1), row(3, 1.5, 3), row(4, 2, 3)]
    assert longest_gap(idle, 2) == timedelta(seconds=1)
