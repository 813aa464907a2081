"""The consumer's side of a blocking result: receives awaited job ids, notifies waiters of ends."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable

import gevent
import redis

from mahaam.core.liveness import get_on
from mahaam.core.log_throttle import redis_away
from mahaam.huey_adapter.results.result_wait import LOOK_EVERY_S, ResultChannels

AWAITED_S = 2 * LOOK_EVERY_S + 1  # a waiter repeats its request within this time
RECENT_S = 2.0  # a request may arrive this long after the end of its job
LISTEN_S = 1.0
PAUSE_S = 1.0


class ResultNotifier:
    """Keeps for a few seconds which jobs are awaited and which have ended in this consumer."""

    def __init__(self, channels: ResultChannels) -> None:
        self._channels = channels
        self._awaited: dict[str, float] = {}  # until when
        self._recent: deque[tuple[float, list[str]]] = deque()  # one entry per cycle

    def listen(self) -> None:
        """Receive the ids of awaited jobs, for ever."""
        while True:
            get_on()
            try:
                self._listen()
            except redis.RedisError as fault:
                redis_away.warn("Redis is away; waiters look at the rows. fault=%s", fault)
                gevent.sleep(PAUSE_S)

    def ended(self, ids: list[str]) -> None:
        """Notify the waiters for `ids`. Called after each cycle, so it has to be cheap."""
        now = time.monotonic()
        while self._recent and self._recent[0][0] < now - RECENT_S:
            self._recent.popleft()
        self._recent.append((now, ids))
        if self._awaited:
            self._tell(id_ for id_ in ids if self._awaited.pop(id_, None))

    def _listen(self) -> None:
        with self._channels.client.pubsub(ignore_subscribe_messages=True) as subscription:  # type: ignore[no-untyped-call]
            subscription.subscribe(self._channels.awaited)
            while True:
                get_on()
                message = subscription.get_message(timeout=LISTEN_S)
                if message:
                    self._note(message["data"].decode("utf-8", "replace"))
                self._forget()

    def _note(self, id_: str) -> None:
        if any(id_ in ids for _, ids in self._recent):
            self._tell([id_])
        else:
            self._awaited[id_] = time.monotonic() + AWAITED_S

    def _forget(self) -> None:
        now = time.monotonic()
        for id_ in [id_ for id_, until in self._awaited.items() if until < now]:
            del self._awaited[id_]

    def _tell(self, ids: Iterable[str]) -> None:
        told = [(self._channels.done(id_), id_) for id_ in ids]
        if not told:
            return
        try:
            self._channels.tell(told)
        except redis.RedisError as fault:
            redis_away.warn("Redis is away; waiters look at the rows. fault=%s", fault)
