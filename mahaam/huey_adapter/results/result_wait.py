"""The waiter's side of a blocking result: Redis tells when a job has ended, its row tells how.

A waiter subscribes to the channel of each job, publishes in another one that the jobs are awaited, and
only then reads the rows: what ends afterwards is published by the consumer that ran it
(`ResultNotifier`). What ends in another way, or is published while Redis is away, is seen by the next
read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self

import redis

LOOK_EVERY_S = 1.5
CONFIRM_S = 1.0  # what a subscription takes at most
FIRST_PAUSE_S = 0.05  # without Redis


class ResultChannels:
    """The names of the channels, and publishing in them."""

    def __init__(self, client: redis.Redis, prefix: str) -> None:
        self.client = client
        self.awaited = f"{prefix}:awaited"
        self._done = f"{prefix}:done:"

    def done(self, job_id: str) -> str:
        """Return the channel in which the end of a job is published."""
        return f"{self._done}{job_id}"

    def tell(self, channels: Iterable[tuple[str, str]]) -> None:
        """Publish (channel, job id) pairs. Raises redis.RedisError."""
        with self.client.pipeline(transaction=False) as pipeline:
            for channel, job_id in channels:
                pipeline.publish(channel, job_id)
            pipeline.execute()


class ResultWait:
    """A wait for the ends of jobs while the block lasts; without Redis, only time passes.

    `backoff` and `max_delay_s` are for pauses between reads while Redis is away.
    """

    def __init__(
        self, channels: ResultChannels, ids: Iterable[str], *, backoff: float, max_delay_s: float
    ) -> None:
        self.ids = set(ids)
        self._channels = channels
        self._backoff = backoff
        self._max_delay_s = max_delay_s
        self._pause_s = FIRST_PAUSE_S
        self._subscription: Any = None  # redis-py's PubSub has no types

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _fault: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._drop()

    def ask(self) -> None:
        """Publish that the jobs are awaited; a caller that reads their rows after this misses no end."""
        try:
            if self._subscription is None:
                self._subscribe()
            self._channels.tell((self._channels.awaited, id_) for id_ in self.ids)
        except redis.RedisError:
            self._drop()

    def hear(self, timeout_s: float) -> str | None:
        """Return the id of a job that has ended, or None after `timeout_s` or a little earlier."""
        if self._subscription is None:
            time.sleep(min(timeout_s, self._pause_s, self._max_delay_s))
            self._pause_s *= self._backoff
            return None
        try:
            message = self._subscription.get_message(timeout=timeout_s)
        except redis.RedisError:
            self._drop()
            return None
        return message["data"].decode("utf-8", "replace") if message else None

    def _subscribe(self) -> None:
        self._subscription = self._channels.client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
        self._subscription.subscribe(*map(self._channels.done, self.ids))
        # A message sent before the subscription exists would not be heard.
        for _ in self.ids:
            self._subscription.get_message(timeout=CONFIRM_S)

    def _drop(self) -> None:
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None


def until(is_over: Callable[[bool], bool], wait: ResultWait, *, timeout_s: float | None) -> bool:
    """Wait until `is_over` returns True; its argument says whether an end was heard of.

    Return False when that takes longer than `timeout_s` (None: for ever).
    """
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    heard: str | None = None
    with wait:
        while True:
            wait.ask()
            if is_over(heard is not None):
                return True
            left_s = LOOK_EVERY_S if deadline is None else deadline - time.monotonic()
            if left_s <= 0:
                return False
            heard = wait.hear(min(left_s, LOOK_EVERY_S))
