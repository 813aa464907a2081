"""Live counts for a terminal: queues by state, rates, workers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from mahaam.jobs.states import State
from mahaam.postgres.query_limits import COUNT_LIMIT, Reader, time_limit
from mahaam.queries.queues import QueueEntry, queues
from mahaam.workers.queries import WorkerEntry, workers

RARE = (State.SCHEDULED, State.RETRYING, State.FAILED, State.CANCELLED, State.EXPIRED)

# Index: job_rare_state. Of each state only the newest are counted.
_RARE = """
(SELECT state, queue, count(*) AS jobs FROM (
   SELECT state, queue FROM job WHERE state = '{}' ORDER BY id DESC LIMIT :limit
 ) AS newest GROUP BY state, queue)
"""
RARE_STATES = " UNION ALL ".join(_RARE.format(state.value) for state in RARE)

# This minute and the whole one before: young enough to be a rate, old enough to be smooth.
RATES = """
SELECT queue, (sum(completed + failed + cancelled + expired)
               / (60 + extract(second FROM now())))::float8 AS per_s
  FROM job_minute WHERE minute >= date_trunc('minute', now()) - interval '1 minute' GROUP BY queue
"""


@dataclass(frozen=True)
class LiveCounts:
    """The counts of one moment.

    `counts` are jobs by (queue, state), without those that no small index has: completed ones are
    in `queues`, for the last hour. `rates` are jobs that ended per second, by queue. Counts of a
    state in `cut` are lower bounds.
    """

    at: datetime
    queues: tuple[QueueEntry, ...]
    counts: dict[tuple[str, str], int]
    cut: frozenset[str]
    rates: dict[str, float]
    workers: tuple[WorkerEntry, ...]


def live_counts(session: Reader) -> LiveCounts:
    """Return the counts of this moment. Raises QueryTooSlow."""
    with time_limit(session):
        rare = session.execute(text(RARE_STATES), {"limit": COUNT_LIMIT}).all()
        entries = queues(session)
        counts = {(row.queue, row.state): row.jobs for row in rare}
        for entry in entries:
            counts[entry.name, State.QUEUED.value] = entry.waiting
            counts[entry.name, State.RUNNING.value] = entry.running
        return LiveCounts(
            at=session.execute(text("SELECT now()")).scalar_one(),
            queues=entries,
            counts=counts,
            cut=_cut(counts),
            rates={row.queue: row.per_s for row in session.execute(text(RATES))},
            workers=workers(session),
        )


def _cut(counts: dict[tuple[str, str], int]) -> frozenset[str]:
    """Return the states of which not all jobs were counted."""
    totals: dict[str, int] = {}
    for (_, state), count in counts.items():
        totals[state] = totals.get(state, 0) + count
    return frozenset(state for state in RARE if totals.get(state, 0) >= COUNT_LIMIT)
