"""How fast this machine is at the moment, so that bounds in seconds mean the same everywhere."""

from __future__ import annotations

import math
import time
from collections import deque
from threading import Lock, Thread

LOOPS = 300_000
QUIET_S = (
    0.0085  # what LOOPS take on the machine for which the bounds were written, when it is quiet
)
EVERY_S = 3.0
WINDOW = 20  # pieces of work that are remembered, which is about a minute


class Pace:
    """Does the same piece of work every few seconds, and knows how long it took lately."""

    def __init__(self) -> None:
        self._took_s: deque[float] = deque([QUIET_S], maxlen=WINDOW)
        self._lock = Lock()
        self._thread: Thread | None = None

    def slowness(self) -> float:
        """Return how many times longer work takes now than on a quiet machine; 1 at least.

        The slowest piece of the last minute counts, and one that is done just now.
        """
        with self._lock:
            if self._thread is None:
                self._thread = Thread(target=self._keep, name="pace", daemon=True)
                self._thread.start()
        self._took_s.append(work_s())
        return max(1.0, max(tuple(self._took_s)) / QUIET_S)

    def _keep(self) -> None:
        while True:
            self._took_s.append(work_s())
            time.sleep(EVERY_S)


def work_s() -> float:
    """Do one piece of work; return how long it took, waiting for a processor included."""
    began = time.perf_counter()
    for number in range(LOOPS):
        math.sqrt(number)
    return time.perf_counter() - began


pace = Pace()


def within(seconds: float) -> float:
    """Return a limit that is `seconds` on a quiet machine, and longer on one that is slow or busy."""
    return seconds * pace.slowness()
