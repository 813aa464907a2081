"""Cached values that all viewers of a process share for a while."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from flask import Flask, current_app
from sqlalchemy.exc import SQLAlchemyError

from mahaam.core.errors import MahaamError

log = logging.getLogger(__name__)

T = TypeVar("T")
SLOW_S = 0.02  # a value that takes longer is made while viewers get the old one
PEEK_WAIT_S = 0.02  # a value that is made within it is on the page at once


class Made(NamedTuple, Generic[T]):
    """A value, when it was made, and how long that took."""

    value: T
    at: float
    took_s: float


class Cached(Generic[T]):
    """The last value that `make` returned, made again when it is older than `fresh_s`.

    One request makes the value while the others use the old one. When making is slow, no request
    waits for it. `get` never returns a value older than `stale_s`. `peek` waits only for the first one.
    """

    def __init__(
        self, make: Callable[[], T], *, fresh_s: float, stale_s: float = float("inf")
    ) -> None:
        """Call `make` in an application's context and in one thread at a time."""
        self._make = make
        self._fresh_s = fresh_s
        self._stale_s = stale_s
        self._making = threading.Lock()
        self._made: Made[T] | None = None
        self._tried_at = float("-inf")
        self._changes = 0  # a value begun before a change is not shown after it

    def get(self) -> T:
        """Return the value. Raises what `make` raises."""
        made = self._made
        age_s = float("inf") if made is None else time.monotonic() - made.at
        if made is not None and age_s < self._fresh_s:
            return made.value
        if made is None or age_s >= self._stale_s:
            with self._making:
                return self._renewed()
        if self._making.acquire(blocking=False):
            if made.took_s < SLOW_S:
                return self._released(self._renewed)
            self._start_renewing()
        return made.value

    def peek(self, *, wait_s: float = PEEK_WAIT_S) -> T | None:
        """Return the last value, or None if there is none and none is made within `wait_s`.

        A fault of `make` is logged, and `make` is tried again when `fresh_s` seconds have passed.
        """
        is_due = time.monotonic() - self._tried_at >= self._fresh_s
        if is_due and self._making.acquire(blocking=False):
            thread = self._start_renewing()
            if self._made is None:
                thread.join(wait_s)
        made = self._made
        return None if made is None else made.value

    def forget(self) -> None:
        """Drop the value, so that the next request makes it again after a change."""
        self._changes += 1
        self._made = None
        self._tried_at = float("-inf")

    def _renewed(self) -> T:
        """Return the value, made now unless another request has just made it."""
        made = self._made
        if made is not None and time.monotonic() - made.at < self._fresh_s:
            return made.value
        begun_at, changes = time.monotonic(), self._changes
        value = self._make()
        if changes == self._changes:
            now = time.monotonic()
            self._made = Made(value, now, now - begun_at)
        return value

    def _released(self, work: Callable[[], T]) -> T:
        try:
            return work()
        finally:
            self._tried_at = time.monotonic()
            self._making.release()

    def _start_renewing(self) -> threading.Thread:
        app = current_app._get_current_object()  # type: ignore[attr-defined]
        thread = threading.Thread(target=self._renew_aside, args=(app,), daemon=True)
        thread.start()
        return thread

    def _renew_aside(self, app: Flask) -> None:
        try:
            with app.app_context():
                self._released(self._renewed)
        except (SQLAlchemyError, MahaamError) as fault:
            log.warning("A cached value was not made anew; tried again. fault=%s", fault)
