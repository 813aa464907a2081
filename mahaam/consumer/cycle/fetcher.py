"""The fetcher, which pops ids from Redis for slots that are free at this moment."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable

import gevent
import redis

from mahaam.consumer.cycle.slots import Slots
from mahaam.core.deadline import TimedEvent
from mahaam.core.liveness import get_on
from mahaam.core.log_throttle import redis_away
from mahaam.doorbell.doorbell import ANSWER_S, Doorbell
from mahaam.queries.queue_configs import QueueConfig

log = logging.getLogger("mahaam.fetcher")

PAUSE_S = 0.5  # between tries while Redis is away
FULL_S = 2.0  # how often a fetcher without free slots gives a sign of life
LISTEN_S = 0.5  # how long one blocking pop lasts
LIMITED_S = 0.02  # how often a rate-limited queue is asked
STOPPED_S = 0.5  # a time-out that comes this much after its limit: this process was stopped
NOTHING_S = 0.1  # between checks while there is no queue to pop from


class Fetcher:
    """The loop that fills the slots; `may_start` returns True while this worker's lease is valid."""

    def __init__(
        self, slots: Slots, doorbell: Doorbell, *, may_start: Callable[[], bool], weighted: bool
    ) -> None:
        self._slots = slots
        self._doorbell = doorbell
        self._may_start = may_start
        self._weighted = weighted
        self._pop_is_over = TimedEvent()
        self._pop_is_over.set()
        self.lines: list[QueueConfig] = []
        self.silent_since: float | None = None  # since when no id was popped

    def listen(self) -> None:
        """Pop ids for all free slots, for ever."""
        slots = self._slots
        while True:
            get_on()
            if slots.idle <= 0:
                slots.freed.clear()
                slots.freed.wait(FULL_S)
            elif not self._may_start():
                gevent.sleep(NOTHING_S)
            else:
                # For all slots at once: two alternating halves, one running while the other is
                # exchanged, are a fifth slower. Their round trips are twice as many and overlap too
                # little.
                self._pop(slots.idle)

    @property
    def is_popping(self) -> bool:
        """Return True while a pop is under way."""
        return not self._pop_is_over.is_set()

    def wait_for_pop(self, limit_s: float) -> None:
        """Wait for a pop that is under way, but not for the blocking one of an idle consumer."""
        self._pop_is_over.wait(limit_s)

    def _pop(self, wanted: int) -> None:
        began_at = time.monotonic()
        try:
            popped = self._next(wanted)
        except redis.RedisError as fault:
            if time.monotonic() - began_at > ANSWER_S + LISTEN_S + STOPPED_S:
                log.info("This process was stopped for a while; Redis is asked anew.")
                return
            redis_away.warn("Redis is away; trying again. fault=%s", fault)
            gevent.sleep(PAUSE_S)
            return
        if popped:
            self.silent_since = None
            self._slots.add(popped)
        else:
            self.silent_since = self.silent_since or time.monotonic()

    def _next(self, wanted: int) -> list[str]:
        lines = [line for line in self.lines if not line.paused]
        if self._weighted:
            lines.sort(key=lambda line: random.random() ** (1 / line.weight), reverse=True)
        self._pop_is_over.clear()
        try:
            popped = self._doorbell.pop(wanted, lines, by_turns=not self._weighted)
        finally:
            self._pop_is_over.set()
        return popped or self._wait(lines)

    def _wait(self, lines: list[QueueConfig]) -> list[str]:
        if self._slots.is_quiet:
            return []
        unlimited = [line for line in lines if not line.rate_limit]
        limited = len(unlimited) < len(lines)
        if not unlimited:
            gevent.sleep(LIMITED_S if limited else NOTHING_S)
            return []
        heard = self._doorbell.wait(unlimited, timeout_s=LIMITED_S if limited else LISTEN_S)
        if heard is not None and (self._slots.is_quiet or self._slots.idle <= 0):
            self._doorbell.put_back(heard)
            return []
        return [heard.id] if heard else []
