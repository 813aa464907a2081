"""The watch over the loops and the lease thread of a consumer, which are restarted if they end."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from mahaam.consumer.loop import Loop
from mahaam.workers.lease import Lease

log = logging.getLogger("mahaam.loop_watcher")

LATE_S = 2.0  # if the watch itself did not run for longer, no other greenlet did, either
THREADS = 3  # threads that may end one after the other before the process is given up
WELL_S = 60.0  # a thread that lived for longer does not count among THREADS


class LoopWatcher:
    """Checks all loops of a consumer; its main greenlet calls `look` many times a second."""

    def __init__(self, loops: Sequence[Loop], lease: Lease) -> None:
        self._loops = loops
        self._lease = lease
        self._looked_at = time.monotonic()
        self._kept_since = time.monotonic()
        self._ended = 0  # threads that ended one after the other

    def begin(self) -> None:
        """Start all loops."""
        self._looked_at = self._kept_since = time.monotonic()
        for loop in self._loops:
            loop.start()

    def look(self) -> str | None:
        """Restart loops and the thread. Return a sentence about one that cannot be restarted, or None."""
        now = time.monotonic()
        if now - self._looked_at > LATE_S:
            for loop in self._loops:
                loop.excuse()
        self._looked_at = now
        for loop in self._loops:
            if not loop.watch():
                return f"the loop {loop.name} stands still and cannot be ended"
        return self._look_at_thread(now)

    def _look_at_thread(self, now: float) -> str | None:
        if self._lease.is_kept():
            return None
        self._ended = 1 if now - self._kept_since > WELL_S else self._ended + 1
        if self._ended > THREADS:
            return "the thread that renews the lease ends again and again"
        log.error(
            "The thread that renews the lease ended or stands still; another one is started. "
            "worker=%s times=%s",
            self._lease.worker_id,
            self._ended,
        )
        self._kept_since = now
        self._lease.keep()
        return None
