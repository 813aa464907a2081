"""What follows the commit of a cycle: notices for Redis, log lines for the operator."""

from __future__ import annotations

import logging

import redis

from mahaam.core.log_throttle import redis_away
from mahaam.doorbell.doorbell import Doorbell
from mahaam.jobs.claim import Claim
from mahaam.jobs.notice import Notice
from mahaam.jobs.outcome import Ended
from mahaam.jobs.states import State
from mahaam.queries.queue_configs import QueueConfig
from mahaam.store.actions.pauses import PausedJob
from mahaam.store.unknown_tasks import UnknownTaskJob

log = logging.getLogger("mahaam.outcome")


def announce(written: list[Ended]) -> None:
    """Log the failed attempts: jobs that are retried and jobs that failed for good."""
    for claim, outcome in written:
        if outcome.failure is None:
            continue
        if outcome.state is State.RETRYING:
            log.info(
                "Job is retried. job=%s task=%s queue=%s retry=%s/%s in_s=%.1f error=%s",
                claim.id,
                claim.task,
                claim.queue,
                outcome.retry_count,
                claim.max_retries,
                outcome.delay_s,
                outcome.failure.line,
            )
        elif outcome.state is State.FAILED:
            log.critical(
                "Job failed for good; see the dead letters. job=%s task=%s queue=%s retries=%s error=%s",
                claim.id,
                claim.task,
                claim.queue,
                outcome.retry_count,
                outcome.failure.line,
            )


def announce_late(late: list[Ended]) -> None:
    """Log the outcomes that were refused because they were late."""
    for claim, outcome in late:
        log.warning(
            "Late result refused; the job was given to another. job=%s attempt=%s outcome=%s",
            claim.id,
            claim.attempt,
            outcome.word,
        )


def ring(doorbell: Doorbell, written: list[Ended], following: list[Notice]) -> None:
    """Ring for jobs that were given back and for the follow-ups of the outcomes."""
    notices = following + [
        Notice(claim.queue, claim.priority, claim.id, outcome.queued_at)
        for claim, outcome in written
        if outcome.state is State.QUEUED and outcome.queued_at is not None
    ]
    if notices:
        try:
            doorbell.ring(notices)
        except redis.RedisError as fault:
            redis_away.warn("Redis is away; rung later. fault=%s", fault)


def hold(doorbell: Doorbell, found: list[PausedJob]) -> None:
    """Ring again for jobs that were not held; remove held ones, so that they count for no rate limit."""
    try:
        doorbell.forget([job.notice for job in found if job.is_held])
        doorbell.ring([job.notice for job in found if not job.is_held])
    except redis.RedisError as fault:
        redis_away.warn("Redis is away; rung later. fault=%s", fault)


def pass_on(doorbell: Doorbell, unknown_jobs: list[UnknownTaskJob]) -> None:
    """Ring for unknown-task jobs, each at the worker that knows its task."""
    by_worker: dict[str, list[Notice]] = {}
    for unknown_job in unknown_jobs:
        if unknown_job.worker_id is not None:
            by_worker.setdefault(unknown_job.worker_id, []).append(unknown_job.notice)
    for worker_id, notices in by_worker.items():
        try:
            doorbell.pass_on(worker_id, notices)
        except redis.RedisError as fault:
            redis_away.warn("Redis is away; rung later. fault=%s", fault)


def unannounced(written: list[Ended], following: list[Notice]) -> list[str]:
    """Return the ids of follow-ups that Huey did not enqueue itself: callbacks of chords."""
    announced = {job.call[0] for _, outcome in written for job in outcome.follows.jobs}
    return [notice.id for notice in following if notice.id not in announced]


def stamp(doorbell: Doorbell, claims: list[Claim], lines: list[QueueConfig]) -> None:
    """Record in Redis that jobs from queues with a rate limit were started now."""
    limited = {line.name for line in lines if line.rate_limit}
    for queue in limited & {claim.queue for claim in claims}:
        try:
            doorbell.stamp(queue, [claim.id for claim in claims if claim.queue == queue])
        except redis.RedisError as fault:
            redis_away.warn("Redis is away; a start counts as later than it was. fault=%s", fault)
