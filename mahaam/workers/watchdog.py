"""The watchdog of greenlets: detects from a native thread that none runs, and finds the blocking code."""

from __future__ import annotations

import sys
import time

from gevent import monkey

from mahaam.postgres.database import Cursor
from mahaam.store.actions import stops

thread_id = monkey.get_original("_thread", "get_ident")


class Watchdog:
    """A greenlet calls `beat`, a native thread reads the silence; without any beat there is none."""

    def __init__(self) -> None:
        self._at: float | None = None
        self._thread_id = thread_id()

    def beat(self) -> None:
        """Record that greenlets run."""
        self._at = time.monotonic()

    def silent_s(self) -> float:
        """Return the seconds since the last beat; 0 if there was none."""
        return 0.0 if self._at is None else time.monotonic() - self._at

    def complain(self, cursor: Cursor, worker_id: str, *, grace_s: float) -> list[str]:
        """Record on jobs asked to stop over `grace_s` ago which code blocks them. Return their ids."""
        note = (
            f"It could not be stopped: CPU-bound code ({self._where()}) lets nothing else run in its "
            "consumer. Mark that task cpu_bound=True, or restart the consumer."
        )
        return stops.note_all(cursor, worker_id, note, grace_s=grace_s)

    def _where(self) -> str:
        """Return the function that the greenlets' thread executes at this moment."""
        frame = sys._current_frames().get(self._thread_id)
        if frame is None:
            return "unknown"
        return f"{frame.f_code.co_name} in {frame.f_code.co_filename.rsplit('/', 1)[-1]}"
