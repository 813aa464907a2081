"""Time limits that follow one another on one timer.

A busy consumer waits thousands of times a second, and each wait has its limit. A timer for each wait
would cost more than most of the waits.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import gevent
from gevent.event import Event


class Deadline:
    """Calls `expire` in gevent's hub when the time that was set last is over.

    Setting a new time costs a comparison: the timer goes on, and when it fires another one is started
    for the rest. It is a new timer each time, because libev resumes a stopped timer where it stood.
    """

    __slots__ = ("_at", "_expire", "_fires_at", "_timer")

    def __init__(self, expire: Callable[[], object]) -> None:
        self._expire = expire
        self._at = math.inf  # nothing is waited for
        self._fires_at = math.inf
        self._timer: Any = None  # gevent's timers have no types

    def set(self, seconds: float) -> None:
        """Set the time to `seconds` from now. This replaces any earlier time."""
        self._at = at = time.monotonic() + seconds
        if at < self._fires_at:
            self._start_timer(at, seconds)

    def clear(self) -> None:
        """Clear the time: do not expire."""
        self._at = math.inf

    def _start_timer(self, at: float, seconds: float) -> None:
        if self._timer is not None:
            self._timer.close()
        self._fires_at = at
        self._timer = gevent.get_hub().loop.timer(seconds)
        self._timer.start(self._fire)

    def _fire(self) -> None:
        self._timer.close()
        self._timer, self._fires_at = None, math.inf
        at = self._at
        if at == math.inf:
            return
        left_s = at - time.monotonic()
        if left_s > 0:
            self._start_timer(at, left_s)
        else:
            self.clear()
            self._expire()


class TimedEvent:
    """An event on which one greenlet waits repeatedly, with a limit each time."""

    __slots__ = ("_deadline", "_is_set", "_wakes")

    def __init__(self) -> None:
        self._is_set = False
        self._wakes = Event()
        self._deadline = Deadline(self._wakes.set)

    def is_set(self) -> bool:
        """Return True if the event was set and not cleared since."""
        return self._is_set

    def set(self) -> None:
        """Set the event and wake the waiting greenlet."""
        self._is_set = True
        self._wakes.set()

    def clear(self) -> None:
        """Clear the event, so that the next wait blocks."""
        self._is_set = False

    def wait(self, limit_s: float) -> bool:
        """Wait until it is set, or for `limit_s`. Return True if it is set."""
        if self._is_set:
            return True
        self._wakes.clear()
        self._deadline.set(limit_s)
        try:
            self._wakes.wait()
        finally:
            self._deadline.clear()
        return self._is_set
