"""Notices from outside that no greenlet gets a turn, and where the code is that takes them all."""

from __future__ import annotations

import sys
import time

from gevent import monkey

from mahaam.postgres.database import Cursor
from mahaam.store.actions import stops

thread_id = monkey.get_original("_thread", "get_ident")


class Watchdog:
    """Beaten by a greenlet, felt by a native thread; where none beats it, nothing is felt."""

    def __init__(self) -> None:
        self._at: float | None = None
        self._thread_id = thread_id()

    def beat(self) -> None:
        """Say that greenlets get their turns."""
        self._at = time.monotonic()

    def silent_s(self) -> float:
        """For how long none has."""
        return 0.0 if self._at is None else time.monotonic() - self._at

    def complain(self, cursor: Cursor, worker_id: str, *, grace_s: float) -> list[str]:
        """Note at the jobs that should have stopped `grace_s` ago what keeps them from it; their ids."""
        note = (
            f"It could not be stopped: CPU-bound code ({self._where()}) lets nothing else run in its "
            "consumer. Mark that task cpu_bound=True, or restart the consumer."
        )
        return stops.note_all(cursor, worker_id, note, grace_s=grace_s)

    def _where(self) -> str:
        """The function that the greenlets' thread is in at this moment."""
        frame = sys._current_frames().get(self._thread_id)
        if frame is None:
            return "unknown"
        return f"{frame.f_code.co_name} in {frame.f_code.co_filename.rsplit('/', 1)[-1]}"
