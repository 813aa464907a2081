"""Accepts jobs: the row first, committed; then the notice."""

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
CALLS_S = 600.0  # what the caller's generator may take between two chunks
LONGEST_BELL_S = 5.0
OF_THE_LIMIT = 0.2  # a notice waits at most three times: for an answer, a new connection, an answer
TRIES_OF_A_NOTICE = 3
SILENCE_S = 2.0


def call(id_: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
    """One call as its row will hold it. Raises ArgumentNotStorable, PayloadTooLarge."""
    return id_, *dump_call(args, kwargs, limit_bytes=get_settings().payload_limit_bytes)


def one(job: NewJob, wanted: Call) -> Accepted:
    """Accept one job and ring for it; a live job with its dedupe key is returned in its stead.

    Raises UnknownQueue, DatabaseUnavailable.
    """
    with patience(limit_s()):
        known_queues.check(job.queue)
        accepted = database.repeatable(lambda cursor: insert(cursor, job, wanted))
        if accepted.id == wanted[0] and (for_it := accepted.ring(job)):
            ring([for_it])
    return accepted


def limit_s() -> float:
    """How long is waited for PostgreSQL and Redis to accept something."""
    return get_settings().enqueue_timeout_s


def insert(cursor: Cursor, job: NewJob, wanted: Call) -> Accepted:
    """Insert one job, or find who holds its dedupe key; the notice is the caller's."""
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
    """Accept all calls or none, then ring; returns how many. Memory holds one chunk and the ids.

    `progress` is called after each chunk with the number of jobs in it.
    """
    with patience(limit_s()):
        known_queues.check(job.queue)
    count = 0
    # A chunk's ids in one string: a third of the memory of a list. They have one time.
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
    """Accept jobs and the chords that they belong to, all or none, then ring.

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
    """Make a change that queues jobs again, then ring for them. Raises DatabaseUnavailable."""
    while True:
        try:
            moved = database.repeatable(change, atomic=True)
        except UniqueViolation:
            continue  # a job with the same dedupe key came at this moment; now it is seen
        ring([job.ring for job in moved if job.ring])
        return moved


def ring(notices: Sequence[Notice]) -> None:
    """Ring for committed jobs. Without Redis they wait: a consumer rings for them later."""
    _ring(lambda: notice().ring(notices))


def ring_together(job: NewJob, queued_at: datetime, ids: str) -> None:
    """As `ring`, for jobs that were queued at the same instant; `ids` stand one behind the other."""
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
    """Spare the consumers ids that are not to start; without Redis they claim nothing anyway."""
    try:
        notice().forget(jobs_)
    except redis.RedisError as fault:
        redis_away.warn("Redis is away; it keeps ids that are not to start. fault=%s", fault)


class RedisPause:
    """After a Redis that did not answer in time, nobody waits for it again for a moment."""

    def __init__(self) -> None:
        self._until = 0.0

    @property
    def is_on(self) -> bool:
        """Whether it is still that moment."""
        return time.monotonic() < self._until

    def begin(self) -> None:
        """Redis has just not answered."""
        self._until = time.monotonic() + SILENCE_S

    def end(self) -> None:
        """Wait for it again."""
        self._until = 0.0


silence = RedisPause()


def notice_limit_s() -> float:
    """How long is waited for one answer of Redis."""
    return min(LONGEST_BELL_S, OF_THE_LIMIT * limit_s())


@lazy_for_greenlets
def notice() -> Doorbell:
    """The process's doorbell."""
    settings = get_settings()
    return Doorbell(connect(settings.redis_url, timeout_s=notice_limit_s()), settings.redis_prefix)
