"""Acceptance of jobs: the row is committed first, then the notice is rung."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import redis
from psycopg2.errors import UniqueViolation

from mahaam.config import get_settings
from mahaam.core.chunks import chunks
from mahaam.core.lazy import lazy_for_greenlets
from mahaam.core.log_throttle import redis_away
from mahaam.core.payload import dump_call
from mahaam.doorbell.doorbell import Doorbell, connect
from mahaam.enqueuing import known_queues
from mahaam.jobs.follow_ups import FollowUps
from mahaam.jobs.new_job import NewJob
from mahaam.jobs.notice import Notice, QueueMember
from mahaam.postgres import database
from mahaam.postgres.database import Connection, Cursor
from mahaam.postgres.wait_limit import left_s, patience
from mahaam.store import accept_jobs, follow_ups
from mahaam.store.accept_jobs import Accepted
from mahaam.store.actions.requeue import Requeued

Call = tuple[str, str, str]  # id, args as JSON, kwargs as JSON
CALLS_S = 600.0  # what the caller's generator may take between two batches
LONGEST_BELL_S = 5.0
OF_THE_LIMIT = 0.2  # a notice waits at most three times: for an answer, a new connection, an answer
TRIES_OF_A_NOTICE = 3
SILENCE_S = 2.0


def call(id_: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
    """Return a call as its row will hold it. Raises ArgumentNotStorable, PayloadTooLarge."""
    return id_, *dump_call(args, kwargs, limit_bytes=get_settings().payload_limit_bytes)


def one(job: NewJob, wanted: Call) -> Accepted:
    """Accept one job and ring for it. Return it, or the live job that holds its dedupe key.

    Raises UnknownQueue, DatabaseUnavailable.
    """
    with patience(limit_s()):
        known_queues.check(job.queue)
        accepted = database.repeatable(lambda cursor: insert(cursor, job, wanted))
        if accepted.id == wanted[0] and (for_it := accepted.ring(job)):
            ring([for_it])
    return accepted


def limit_s() -> float:
    """Return how long an enqueue waits for PostgreSQL and Redis."""
    return get_settings().enqueue_timeout_s


def insert(cursor: Cursor, job: NewJob, wanted: Call) -> Accepted:
    """Insert one job, without ringing. Return it, or the job that holds its dedupe key."""
    if accept_jobs.is_plain(job) and isinstance(cursor.connection, Connection):
        made_now = accept_jobs.accept_one_now(cursor, job, wanted)
        if made_now is not None:
            return made_now
    while True:
        made = accept_jobs.accept(cursor, job, [wanted])
        # The holder of the key may end between the two statements: then the key is free again.
        found = made[0] if made else accept_jobs.holder(cursor, [wanted[0]], job.dedupe_key)
        if found is not None:
            return found


def many(
    job: NewJob, calls: Iterable[Call], *, progress: Callable[[int], object] | None = None
) -> int:
    """Accept all calls or none, then ring. Memory holds one batch and the ids.

    `progress` is called after each batch with the number of jobs in it. Return the number of jobs.
    """
    with patience(limit_s()):
        known_queues.check(job.queue)
    count = 0
    # The ids of a batch in one string: a third of the memory of a list. A batch has one time.
    queued: list[tuple[datetime, str]] = []
    with database.transaction(statement_s=limit_s(), idle_s=CALLS_S) as cursor:
        for chunk in chunks(calls):
            made = accept_jobs.accept_all(cursor, job, chunk)
            count += made.jobs
            if made.is_queued and made.queued_at is not None:
                queued.append((made.queued_at, "".join(id_ for id_, _, _ in chunk)))
            if progress is not None:
                progress(made.jobs)
    for at, ids in queued:
        ring_together(job, at, ids)
    return count


def together(follows: FollowUps) -> None:
    """Accept jobs and the chords that they belong to, all or none, then ring for the jobs.

    Raises UnknownQueue, DatabaseUnavailable.
    """
    if follows.is_one_job:
        one(follows.jobs[0].job, follows.jobs[0].call)
        return
    with patience(limit_s()):
        for wanted in follows.jobs:
            known_queues.check(wanted.job.queue)
    with database.transaction(statement_s=limit_s()) as cursor:
        notices = follow_ups.write(cursor, follows)
    ring(notices)


def requeue(change: Callable[[Cursor], list[Requeued]]) -> list[Requeued]:
    """Execute a change that queues jobs again, then ring. Return the jobs. Raises DatabaseUnavailable."""
    while True:
        try:
            moved = database.repeatable(change, atomic=True)
        except UniqueViolation:
            continue  # a job with the same dedupe key came at this moment; the next try sees it
        ring([job.ring for job in moved if job.ring])
        return moved


def ring(notices: Sequence[Notice]) -> None:
    """Ring for committed jobs. Without Redis they wait: a consumer rings for them later."""
    _ring(lambda: notice().ring(notices))


def ring_together(job: NewJob, queued_at: datetime, ids: str) -> None:
    """Do as `ring` does, for jobs queued at the same instant; `ids` is their ids, concatenated."""
    _ring(lambda: notice().ring_together(job.queue, job.priority, queued_at, ids))


def _ring(do: Callable[[], None]) -> None:
    if silence.is_on or left_s(math.inf) < TRIES_OF_A_NOTICE * notice_limit_s():
        return
    try:
        do()
    except redis.RedisError as fault:
        if isinstance(fault, redis.TimeoutError):
            silence.begin()
        redis_away.warn("Redis is away; accepted jobs wait until it is back. fault=%s", fault)


def forget(jobs_: Iterable[QueueMember]) -> None:
    """Remove the notices of jobs that are not to start. Without Redis they would claim nothing anyway."""
    try:
        notice().forget(jobs_)
    except redis.RedisError as fault:
        redis_away.warn("Redis is away; it keeps ids that are not to start. fault=%s", fault)


class RedisPause:
    """A pause of SILENCE_S after a time-out of Redis, during which accepted jobs are not rung for."""

    def __init__(self) -> None:
        self._until = 0.0

    @property
    def is_on(self) -> bool:
        """Return True while the pause lasts."""
        return time.monotonic() < self._until

    def begin(self) -> None:
        """Begin the pause now."""
        self._until = time.monotonic() + SILENCE_S

    def end(self) -> None:
        """End the pause."""
        self._until = 0.0


silence = RedisPause()


def notice_limit_s() -> float:
    """Return how long one answer of Redis is waited for."""
    return min(LONGEST_BELL_S, OF_THE_LIMIT * limit_s())


@lazy_for_greenlets
def notice() -> Doorbell:
    """Return the doorbell of this process."""
    settings = get_settings()
    return Doorbell(connect(settings.redis_url, timeout_s=notice_limit_s()), settings.redis_prefix)
