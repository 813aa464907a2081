"""The overview of this moment: queues, tasks that fail, workers, the last hour.

One overview per process and second serves every viewer of the overview and the monitor, so each
question here may cost some milliseconds, and none grows with the number of jobs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text

from mahaam.jobs.states import State
from mahaam.operations.stalled import StalledOperation, stalled_operations
from mahaam.overview.live_counts import LiveCounts, live_counts
from mahaam.postgres.ask import by_session
from mahaam.postgres.query_limits import COUNT_LIMIT, Reader, time_limit
from mahaam.queries.counts import open_letter_count
from mahaam.queries.paused_tasks import PAUSES, TaskPauseEntry
from mahaam.queries.queues import QueueEntry
from mahaam.schedules.queries import ScheduleTrouble, schedule_troubles
from mahaam.set_aside.queries import (
    NOTHING_ASIDE,
    AsideCount,
    UnknownTaskEntry,
    aside_count,
    unknown_tasks,
)
from mahaam.workers.queries import WorkerEntry

FAILING_SHOWN = 10
GRAVE_SHARE, GRAVE_COUNT = 0.05, 5
LOST_SHOWN_FOR = timedelta(hours=1)


@dataclass(frozen=True)
class FailingTask:
    """A task that failed in the last hour, with its numbers of the hour before.

    `since` is the minute of the first failure of these two hours; `error` is that of the newest job
    that is still failed.
    """

    task: str
    queue: str
    failed: int
    failed_before: int
    retried: int
    completed: int
    since: datetime
    error: str | None

    @property
    def is_grave(self) -> bool:
        """Return True if it fails in a large part of all runs, or much more than in the hour before."""
        share = self.failed / (self.failed + self.completed)
        return share >= GRAVE_SHARE or self.failed >= max(GRAVE_COUNT, 2 * self.failed_before)


@dataclass(frozen=True)
class MinuteCount:
    """How many jobs ended in a minute."""

    at: datetime
    completed: int
    failed: int


@dataclass(frozen=True)
class Overview:
    """The live counts of a moment, and what needs attention."""

    live_counts: LiveCounts
    failing: tuple[FailingTask, ...]
    paused_tasks: tuple[TaskPauseEntry, ...]
    open_letters: int
    schedules: tuple[ScheduleTrouble, ...]
    minutes: tuple[MinuteCount, ...]
    stalled: tuple[StalledOperation, ...] = ()
    aside: AsideCount = NOTHING_ASIDE
    unknown: tuple[UnknownTaskEntry, ...] = ()

    @property
    def at(self) -> datetime:
        """Return PostgreSQL's time."""
        return self.live_counts.at

    @property
    def queues(self) -> tuple[QueueEntry, ...]:
        """Return all queues, first served first."""
        return self.live_counts.queues

    @property
    def live_workers(self) -> tuple[WorkerEntry, ...]:
        """Return the consumers whose lease runs."""
        return tuple(worker for worker in self.live_counts.workers if worker.is_live)

    @property
    def lost_workers(self) -> tuple[WorkerEntry, ...]:
        """Return the workers that were lost in the last hour, or are about to be given up."""
        return tuple(
            worker
            for worker in self.live_counts.workers
            if worker.is_lost_since(self.at - LOST_SHOWN_FOR)
        )

    def total(self, state: str) -> int:
        """Return the jobs of all queues in a state; a lower bound when the state was cut."""
        return sum(count for (_, of), count in self.live_counts.counts.items() if of == state)

    def count(self, queue: str, state: str) -> int:
        """Return the jobs of a queue in a state."""
        return self.live_counts.counts.get((queue, state), 0)

    def is_cut(self, queue: str, state: str) -> bool:
        """Return True if there may be more of them."""
        if state == State.QUEUED:
            return self.count(queue, state) > COUNT_LIMIT
        return state in self.live_counts.cut

    def shares(self, queue: str, states: Iterable[str]) -> list[tuple[float, float, str]]:
        """Return begin and width, in percent, of those of `states` that have jobs in a queue."""
        counts = [(state, self.count(queue, state)) for state in states]
        total, begin, found = sum(count for _, count in counts), 0.0, []
        for state, count in counts:
            if count:
                width = round(100 * count / total, 2)
                found.append((round(begin, 2), width, state))
                begin += width
        return found

    def servers(self, queue: str) -> tuple[WorkerEntry, ...]:
        """Return the live consumers that take jobs of a queue."""
        return tuple(worker for worker in self.live_workers if worker.serves(queue))

    def oldest(self, queue: QueueEntry) -> timedelta | None:
        """Return for how long the oldest job of a queue has waited."""
        return max(self.at - queue.oldest_at, timedelta()) if queue.oldest_at else None

    def drain_s(self, queue: QueueEntry) -> float | None:
        """Return in how many seconds the waiting jobs are done; None: never.

        The rate is that of the last two minutes.
        """
        rate = self.live_counts.rates.get(queue.name, 0)
        return queue.waiting / rate if rate > 0 else None

    def throughput(self) -> list[tuple[datetime, int, int]]:
        """Return completed and failed jobs per whole minute of the last hour.

        The minutes are in order, oldest first, without a gap.
        """
        return _per_minute(self.at, self.minutes)


# Index: key of job_minute, for two hours; then, for each of a few tasks, the newest job that is
# failed.
FAILING = """
SELECT sums.*, newest.error FROM (
  SELECT task, min(queue) AS queue,
         coalesce(sum(failed) FILTER (WHERE minute >= now() - interval '1 hour'), 0) AS failed,
         coalesce(sum(failed) FILTER (WHERE minute < now() - interval '1 hour'), 0) AS failed_before,
         coalesce(sum(retried) FILTER (WHERE minute >= now() - interval '1 hour'), 0) AS retried,
         coalesce(sum(completed) FILTER (WHERE minute >= now() - interval '1 hour'), 0) AS completed,
         min(minute) FILTER (WHERE failed > 0) AS since
  FROM job_minute WHERE minute >= now() - interval '2 hours'
  GROUP BY task
  HAVING sum(failed) FILTER (WHERE minute >= now() - interval '1 hour') > 0
  ORDER BY failed DESC, task LIMIT :limit) AS sums
LEFT JOIN LATERAL (
  SELECT left(error, 300) AS error FROM job
  WHERE state = 'failed' AND job.queue = sums.queue AND job.task = sums.task
  ORDER BY id DESC LIMIT 1) AS newest ON true
ORDER BY failed DESC, task
"""

MINUTES = """
SELECT minute AS at, sum(completed) AS completed, sum(failed) AS failed
FROM job_minute
WHERE minute > now() - interval '62 minutes' AND (cast(:queue AS text) IS NULL OR queue = :queue)
GROUP BY minute
"""


def overview(session: Reader) -> Overview:
    """Return the overview of this moment. Raises QueryTooSlow."""
    now = live_counts(session)
    with time_limit(session):
        failing = session.execute(text(FAILING), {"limit": FAILING_SHOWN}).all()
        return Overview(
            live_counts=now,
            failing=tuple(FailingTask(**row._mapping) for row in failing),
            paused_tasks=tuple(TaskPauseEntry(*row) for row in session.execute(text(PAUSES))),
            open_letters=open_letter_count(session),
            schedules=schedule_troubles(session),
            minutes=tuple(
                MinuteCount(**row._mapping)
                for row in session.execute(text(MINUTES), {"queue": None})
            ),
            stalled=tuple(stalled_operations(by_session(session))),
            aside=aside_count(by_session(session)),
            unknown=tuple(unknown_tasks(by_session(session))),
        )


def throughput_of(session: Reader, queue: str, at: datetime) -> list[tuple[datetime, int, int]]:
    """Return completed and failed jobs of one queue per whole minute of the hour before `at`."""
    with time_limit(session):
        rows = session.execute(text(MINUTES), {"queue": queue}).all()
    return _per_minute(at, (MinuteCount(**row._mapping) for row in rows))


def _per_minute(at: datetime, minutes: Iterable[MinuteCount]) -> list[tuple[datetime, int, int]]:
    this = at.replace(second=0, microsecond=0)
    sums = {this - timedelta(minutes=back): [0, 0] for back in range(60, 0, -1)}
    for minute in minutes:
        if minute.at in sums:
            sums[minute.at][0] += int(minute.completed)
            sums[minute.at][1] += int(minute.failed)
    return [(moment, completed, failed) for moment, (completed, failed) in sums.items()]
