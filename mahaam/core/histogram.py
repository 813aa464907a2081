"""Histograms of times in logarithmic buckets, so that percentiles can be added up over time and tasks.

Bucket n holds times from 2^((n-1)/4) up to 2^(n/4) milliseconds; bucket 0 shorter times than 1 ms.
A percentile is reported as the geometric middle of its bucket, so its error is at most 2^(1/8) - 1,
nine per cent, in either direction; below one millisecond at most 1 ms.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

PER_OCTAVE = 4
LAST = 120  # of 2^30 ms, twelve days, and everything above
BOUNDS_MS = tuple(2.0 ** (number / PER_OCTAVE) for number in range(LAST))


def bucket_of(time_ms: float) -> int:
    """Return the bucket of a time."""
    return bisect_right(BOUNDS_MS, time_ms)


def middle_ms(bucket: int) -> float:
    """Return the time that represents a bucket."""
    return 0.5 if bucket == 0 else float(2.0 ** ((bucket - 0.5) / PER_OCTAVE))


def percentiles_ms(
    buckets: Sequence[int], counts: Sequence[int], shares: Sequence[float]
) -> list[float | None]:
    """Return for each of `shares`, 0 to 1 and rising, the time that this share did not exceed.

    `buckets` rise, `counts` are theirs. Without counts each time is None.
    """
    total, reached = sum(counts), 0
    found: list[float | None] = []
    for bucket, count in zip(buckets, counts, strict=True):
        reached += count
        while len(found) < len(shares) and reached and reached >= shares[len(found)] * total:
            found.append(middle_ms(bucket))
    return found + [None] * (len(shares) - len(found))
