"""A job's place in its queue as one number, the score of a sorted set: priority, then the time of queueing.

The score is -priority * 2^50 plus the microseconds since EPOCH at which PostgreSQL queued the job.
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

# Before the time counted, a score was minus the priority. No score of today is so near to 0.
OLD = 2**32
LATEST = SPAN - OLD

MOST = float(INT4 * SPAN)


def score(priority: int, queued_at: datetime) -> int:
    """The score of a job; the lowest is next."""
    return min(max((queued_at - EPOCH) // MICROSECOND, OLD), LATEST) - priority * SPAN


def is_old(found: float) -> bool:
    """Whether a release before this order has rung for the job."""
    return abs(found) < OLD


def priority_of(found: float) -> int:
    """The priority that a score stands for; of a score that is none, any."""
    if is_old(found):
        return -int(found)
    return -math.floor(min(max(found, -MOST), MOST) / SPAN)
