"""Spreads: which bucket a time falls into, and how wrong a percentile can be."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mahaam.core.histogram import LAST, bucket_of, middle_ms, percentiles_ms

BOUND = 2 ** (1 / 8) - 1


@given(st.floats(min_value=1, max_value=2**29))
def test_a_time_is_told_within_nine_per_cent(time_ms: float) -> None:
    assert abs(middle_ms(bucket_of(time_ms)) - time_ms) / time_ms <= BOUND + 1e-9


@pytest.mark.parametrize(
    ("time_ms", "bucket"), [(-5, 0), (0, 0), (0.99, 0), (1, 1), (1.2, 2), (2, 5), (2**40, LAST)]
)
def test_a_bucket_has_its_bounds(time_ms: float, bucket: int) -> None:
    assert bucket_of(time_ms) == bucket


@pytest.mark.parametrize("share", [0.5, 0.95, 0.99])
def test_a_percentile_of_many_is_near_the_true_one(share: float) -> None:
    times = sorted(random.lognormvariate(5, 2) + 1 for _ in range(5000))
    counts = Counter(map(bucket_of, times))
    (found,) = percentiles_ms(sorted(counts), [counts[n] for n in sorted(counts)], [share])
    true = times[int(share * len(times)) - 1]
    assert found is not None
    assert abs(found - true) / true <= BOUND + 0.01


def test_many_percentiles_are_those_of_each_alone() -> None:
    buckets, counts = (2, 5, 9, 14), (50, 45, 4, 1)
    found = percentiles_ms(buckets, counts, (0.5, 0.95, 0.99, 1))
    assert found == [middle_ms(bucket) for bucket in buckets]


@pytest.mark.parametrize(("buckets", "counts"), [((), ()), ((3,), (0,))])
def test_of_nothing_there_is_no_percentile(
    buckets: tuple[int, ...], counts: tuple[int, ...]
) -> None:
    assert percentiles_ms(buckets, counts, (0.5, 0.95)) == [None, None]
