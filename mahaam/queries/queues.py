"""Questions about queues: which exist, what waits and runs in each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, text

from mahaam.models import Queue
from mahaam.postgres.query_limits import COUNT_LIMIT, Reader, time_limit


@dataclass(frozen=True)
class QueueEntry:
    """A queue with its rules, what is in it now and what ended in the last hour.

    `waiting` stops at COUNT_LIMIT + 1.
    """

    name: str
    rank: int
    weight: int
    rate_limit: int | None
    rate_period_s: float | None
    paused_at: datetime | None
    paused_by: str | None
    pause_reason: str | None
    resume_at: datetime | None
    waiting: int
    running: int
    oldest_at: datetime | None
    completed: int
    failed: int


# Index: job_waiting for the waiting ones, job_running for the running ones, and the key of
# job_minute.
QUEUES = """
    SELECT queue.name, queue.rank, queue.weight, queue.rate_limit, queue.rate_period_s,
           CASE WHEN queue.resume_at <= now() THEN NULL ELSE queue.paused_at END AS paused_at,
           CASE WHEN queue.resume_at <= now() THEN NULL ELSE queue.paused_by END AS paused_by,
           CASE WHEN queue.resume_at <= now() THEN NULL ELSE queue.pause_reason END AS pause_reason,
           CASE WHEN queue.resume_at <= now() THEN NULL ELSE queue.resume_at END AS resume_at,
           waiting.count AS waiting,
           coalesce(running.count, 0) AS running, waiting.oldest_at,
           coalesce(ended.completed, 0) AS completed, coalesce(ended.failed, 0) AS failed
      FROM queue
      CROSS JOIN LATERAL (
           SELECT count(*), min(queued_at) AS oldest_at FROM (
                  SELECT queued_at FROM job
                   WHERE state = 'queued' AND job.queue = queue.name
                   ORDER BY priority DESC, queued_at, id LIMIT :limit) AS found) AS waiting
      LEFT JOIN (SELECT queue, count(*) FROM job WHERE state = 'running' GROUP BY queue)
             AS running ON running.queue = queue.name
      LEFT JOIN (SELECT queue, sum(completed) AS completed, sum(failed) AS failed FROM job_minute
                  WHERE minute >= now() - interval '1 hour' GROUP BY queue)
             AS ended ON ended.queue = queue.name
     ORDER BY queue.rank, queue.name
"""


def queues(session: Reader) -> tuple[QueueEntry, ...]:
    """Return every queue, first served first. Raises QueryTooSlow."""
    with time_limit(session):
        rows = session.execute(text(QUEUES), {"limit": COUNT_LIMIT + 1}).all()
    return tuple(QueueEntry(**row._mapping) for row in rows)


def queue_names(session: Reader) -> tuple[str, ...]:
    """Return the names of the queues, first served first."""
    return tuple(session.scalars(select(Queue.name).order_by(Queue.rank, Queue.name)))
