"""A job's place in its queue as one number, the score of a sorted set: priority, then the time of queueing.

The score is -priority * 2^50 plus the time, in microseconds since EPOCH, when PostgreSQL queued the job.
A double holds it exactly for priorities from -7 to 8. For higher ones the time is rounded, to
16 us at 100 and to 0.1 ms at 1,000; a higher priority goes first with every priority that a row
can have.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from mahaam.jobs.job_option import INT4

EPOCH = datetime(2025, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SPAN = 2**50  # microseconds: 35 years

# Before scores contained the time, a score was minus the priority. No current score is so near to 0.
OLD = 2**32
LATEST = SPAN - OLD

MOST = float(INT4 * SPAN)


def score(priority: int, queued_at: datetime) -> int:
    """Return the score of a job; the job with the lowest score is next."""
    return min(max((queued_at - EPOCH) // MICROSECOND, OLD), LATEST) - priority * SPAN


def is_old(found: float) -> bool:
    """Return True if a score is from a release before the order by time."""
    return abs(found) < OLD


def priority_of(found: float) -> int:
    """Return the priority in a score. A number that is not a score gives an arbitrary priority."""
    if is_old(found):
        return -int(found)
    return -math.floor(min(max(found, -MOST), MOST) / SPAN)
