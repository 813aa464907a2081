"""The registry of duties: the work that a consumer does periodically beside its jobs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

import gevent
import redis

from mahaam.core.errors import DatabaseUnavailable
from mahaam.core.liveness import get_on
from mahaam.core.log_throttle import LogThrottle, cause, redis_away
from mahaam.postgres.reconnecting import ConnectionBroken

log = logging.getLogger("mahaam.duties")
waits = LogThrottle(log, every_s=30.0)

TICK_S = 0.25


@dataclass(slots=True)
class Duty:
    """Work that is due every `every_s` seconds and may hold up the other duties for `within_s`.

    Where one consumer is enough, `work` takes care of that itself.
    """

    name: str
    every_s: float
    within_s: float
    work: Callable[[], object]
    due_at: float = 0.0


registered: dict[str, Duty] = {}  # duties of other packages, which have a loop of their own


def add(name: str, work: Callable[[], object], *, every_s: float, within_s: float) -> None:
    """Register a duty that every consumer does every `every_s` seconds."""
    registered[name] = Duty(name, every_s, within_s, work)


def loop(duties: Collection[Duty]) -> None:
    """Do the duties that are due, for ever."""
    while True:
        do_due(list(duties))
        gevent.sleep(TICK_S)


def do_due(duties: Collection[Duty]) -> None:
    """Do every duty that is due. A duty that fails does not block the others."""
    for duty in duties:
        get_on()
        began_at = time.monotonic()
        if began_at < duty.due_at:
            continue
        duty.due_at = began_at + duty.every_s
        try:
            duty.work()
        except ConnectionBroken:  # the connection has logged it; the others would wait for it, too
            return
        except DatabaseUnavailable as fault:
            waits.warn("A duty waits for PostgreSQL. duty=%s fault=%s", duty.name, fault)
        except redis.RedisError as fault:
            redis_away.warn("Redis is away; trying again. fault=%s", fault)
        except Exception:  # the other duties are done after any fault
            log.exception("A duty failed; trying again. duty=%s", duty.name, extra=cause(duty.name))
        took_s = time.monotonic() - began_at
        if took_s > duty.within_s:
            log.info("A duty took long. duty=%s took_s=%.1f", duty.name, took_s)
