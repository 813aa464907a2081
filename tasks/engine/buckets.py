"""Spreads of times in logarithmic buckets, so that percentiles can be added up over time and tasks.

Bucket n holds times from 2^((n-1)/4) up to 2^(n/4) milliseconds; bucket 0 what is shorter than one.
A percentile is told as the geometric middle of its bucket, so it is wrong by at most 2^(1/8) - 1,
nine per cent, in either direction; below one millisecond by at most one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping

PER_OCTAVE = 4
LAST = 120  # of 2^30 ms, twelve days, and everything above
BOUNDS_MS = tuple(2.0 ** (number / PER_OCTAVE) for number in range(LAST))


def bucket_of(time_ms: float) -> int:
    """The bucket that a time falls into."""
    return bisect_right(BOUNDS_MS, time_ms)


def middle_ms(bucket: int) -> float:
    """The time that stands for a bucket."""
    return 0.5 if bucket == 0 else float(2.0 ** ((bucket - 0.5) / PER_OCTAVE))


def percentile_ms(counts: Mapping[int, int], share: float) -> float | None:
    """The time that `share` (0 to 1) of all did not exceed; None when there were none."""
    rank = share * sum(counts.values())
    reached = 0
    for bucket in sorted(counts):
        reached += counts[bucket]
        if reached >= rank and counts[bucket]:
            return middle_ms(bucket)
    return None
