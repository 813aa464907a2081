"""Accepts jobs: the row first, committed; then the bell."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from typing import Any, TypeVar

import redis

from config import get_settings
from tasks.engine import database, registry
from tasks.engine.arguments import dump_call
from tasks.engine.database import Cursor
from tasks.engine.doorbell import Doorbell, connect
from tasks.engine.errors import UnknownQueue
from tasks.engine.new_job import NewJob
from tasks.engine.outcome import FollowUp
from tasks.engine.queries import lines as lines_query
from tasks.engine.store import jobs, lines
from tasks.engine.store.due import Ring
from tasks.engine.store.jobs import Accepted

log = logging.getLogger("mahaam.accept")

T = TypeVar("T")
Call = tuple[str, str, str]  # id, args as JSON, kwargs as JSON
CHUNK = 2000
KNOWN_FOR_S = 30.0
COMPLAIN_EVERY_S = 10.0

_known_queues: set[str] = set()
_known_until = 0.0
_complain_at = 0.0


def call(id_: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
    """One call as its row will hold it. Raises ArgumentNotStorable, PayloadTooLarge."""
    return id_, *dump_call(args, kwargs, limit_bytes=get_settings().payload_limit_bytes)


def one(job: NewJob, id_: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Accepted:
    """Accept one job and ring for it; a live job with its dedupe key is returned in its stead.

    Raises ArgumentNotStorable, PayloadTooLarge, UnknownQueue, DatabaseUnavailable.
    """
    wanted = call(id_, args, kwargs)
    check_queue(job.queue)
    accepted = database.repeatable(lambda cursor: insert(cursor, job, wanted))
    if accepted.id == id_ and accepted.state == "queued":
        ring([Ring(job.queue, job.priority, id_)])
    return accepted


def insert(cursor: Cursor, job: NewJob, wanted: Call) -> Accepted:
    """Insert one job, or find who holds its dedupe key; the bell is the caller's."""
    if jobs.is_plain(job):
        jobs.accept_one_now(cursor, job, wanted)
        return Accepted(wanted[0], "queued")
    while True:
        made = jobs.accept(cursor, job, [wanted])
        # The holder of the key may end between the two statements: then the key is free again.
        found = made[0] if made else jobs.holder(cursor, [wanted[0]], job.dedupe_key)
        if found is not None:
            return found


def many(job: NewJob, calls: Iterable[Call]) -> int:
    """Accept all calls or none, then ring; returns how many. Memory holds one chunk and the ids."""
    check_queue(job.queue)
    count, queued = 0, []
    with database.transaction() as cursor:
        for chunk in chunks(calls):
            made = jobs.accept(cursor, job, chunk)
            count += len(made)
            queued += [row.id for row in made if row.state == "queued"]
    for ids in chunks(queued):
        ring([Ring(job.queue, job.priority, id_) for id_ in ids])
    return count


def follow_up(job: NewJob, id_: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> FollowUp:
    """A job for the transaction that writes an outcome."""
    return FollowUp(job, call(id_, args, kwargs))


def chunks(items: Iterable[T]) -> Iterator[list[T]]:
    """`items` in lists of at most CHUNK."""
    remaining = iter(items)
    while chunk := list(islice(remaining, CHUNK)):
        yield chunk


def ring(rings: Sequence[Ring]) -> None:
    """Ring for committed jobs. Without Redis they wait: a consumer rings for them later."""
    try:
        bell().ring(rings)
    except redis.RedisError as fault:
        _complain(fault)


@cache
def bell() -> Doorbell:
    """The process's doorbell."""
    settings = get_settings()
    return Doorbell(connect(settings.redis_url), settings.redis_prefix)


def check_queue(name: str) -> None:
    """Raises UnknownQueue for a queue that is neither in the table nor declared by a task."""
    global _known_until
    if name in _known_queues and time.monotonic() < _known_until:
        return
    found = {line.name for line in database.repeatable(lines_query.lines)}
    _known_queues.clear()
    _known_queues.update(found)
    _known_until = time.monotonic() + KNOWN_FOR_S
    if name not in found and registry.names_queue(name):
        declare_queues([name])
    elif name not in found:
        raise UnknownQueue(
            f"There is no queue {name!r}. Queues: {', '.join(sorted(found))}. "
            "Name it in a task's @task(queue=…) or add it to the queue table."
        )


def declare_queues(names: Iterable[str]) -> None:
    """Add the queues that tasks name and the table does not have yet."""
    database.repeatable(lambda cursor: lines.declare(cursor, sorted(set(names))))
    _known_queues.clear()


def _complain(fault: Exception) -> None:
    """Say once in a while that Redis is away."""
    global _complain_at
    now = time.monotonic()
    if now >= _complain_at:
        _complain_at = now + COMPLAIN_EVERY_S
        log.warning("Redis is away; accepted jobs wait until it is back. fault=%s", fault)
