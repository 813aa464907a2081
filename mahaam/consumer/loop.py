"""A loop of a consumer that is restarted if it ends or stands still."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import gevent

from mahaam.core.liveness import Liveness

log = logging.getLogger("mahaam.loop")

PAUSE_S = 0.5  # before the first restart; twice as long before each further one
LONGEST_PAUSE_S = 30.0
WELL_S = 60.0  # a loop that ran for this long gets the short pause again
END_S = 10.0  # time for a killed loop to end


class Loop:
    """Runs `work`, which is to go on for ever, in a greenlet of its own.

    A loop stands still if none of its statements and waits ends for `silent_s`: something without a
    time limit blocks it.
    """

    def __init__(self, name: str, work: Callable[[], None], *, silent_s: float) -> None:
        self.name = name
        self._work = work
        self._silent_s = silent_s
        self._liveness = Liveness()
        self._greenlet: gevent.Greenlet | None = None
        self._pause_s = PAUSE_S
        self._is_over = False  # the loop has returned, on request
        self._ends_until: float | None = None  # by when a killed loop has to end

    def start(self) -> None:
        """Start the loop, or restart it."""
        self._ends_until = None
        self._liveness.seen_at = time.monotonic()
        self._greenlet = gevent.spawn(self._run)

    def excuse(self) -> None:
        """Count the silence from now on, because the whole process has stood still."""
        self._liveness.seen_at = time.monotonic()

    def watch(self) -> bool:
        """Restart the loop if it stands still. Return False if it cannot be ended."""
        greenlet = self._greenlet
        if greenlet is None or self._is_over:
            return True
        if greenlet.dead or self._ends_until is not None:
            return self._is_replaced(greenlet)
        if self._liveness.silent_s() >= self._silent_s:
            log.error(
                "A loop stands still; it is started again. loop=%s silent_s=%.0f",
                self.name,
                self._liveness.silent_s(),
            )
            self._ends_until = time.monotonic() + END_S
            greenlet.kill(block=False)
        return True

    def _is_replaced(self, greenlet: gevent.Greenlet) -> bool:
        if greenlet.dead:
            self.start()
            return True
        if self._ends_until is not None and time.monotonic() < self._ends_until:
            return True
        log.critical("A loop stands still and cannot be ended. loop=%s", self.name)
        return False

    def _run(self) -> None:
        self._liveness.begin()
        while True:
            began_at = time.monotonic()
            try:
                self._work()
            except gevent.GreenletExit:
                raise
            except BaseException:  # the end of a loop never ends the consumer
                log.exception(
                    "A loop of the consumer failed; it is started again. loop=%s", self.name
                )
            else:
                self._is_over = True
                return
            if time.monotonic() - began_at >= WELL_S:
                self._pause_s = PAUSE_S
            gevent.sleep(self._pause_s)
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
            self._liveness.seen_at = time.monotonic()
