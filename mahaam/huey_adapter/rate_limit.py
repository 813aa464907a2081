"""Huey's `rate_limit`, counted in PostgreSQL by its clock, in one statement per start."""

from __future__ import annotations

from functools import partial

from huey.api import RateLimit
from huey.exceptions import RateLimitExceeded

from mahaam.postgres import database
from mahaam.queries import values
from mahaam.store import values as store


class DurableRateLimit(RateLimit):  # type: ignore[misc]  # Huey has no types
    """At most `limit` entries in each window of `per` seconds. In immediate mode it is Huey's own."""

    def acquire(self) -> None:
        """Count an entry. Raises RateLimitExceeded beyond the limit."""
        if self._huey.immediate:
            super().acquire()
            return
        enter = partial(store.count_in_window, key=self._counter_key, per_s=self._per)
        count, left_s = database.repeatable(enter)
        if count > self._limit:
            raise RateLimitExceeded(self._name, left_s, retry=self._retry)

    def reset(self) -> None:
        """Begin the window again."""
        if self._huey.immediate:
            super().reset()
        else:
            database.repeatable(partial(store.delete_counter, key=self._counter_key))

    def current_usage(self) -> int:
        """Return how many entries the window has counted, rejected ones included."""
        if self._huey.immediate:
            return int(super().current_usage())
        return database.repeatable(partial(values.counter, key=self._counter_key))
