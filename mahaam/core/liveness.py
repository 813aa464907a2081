"""When the loop that this greenlet runs has last got on with its work."""

from __future__ import annotations

import time
from contextvars import ContextVar


class Liveness:
    """A loop's last sign of life."""

    def __init__(self) -> None:
        self.seen_at = time.monotonic()

    def silent_s(self) -> float:
        """For how long there was none."""
        return time.monotonic() - self.seen_at

    def begin(self) -> None:
        """Hear of everything that this greenlet does from now on."""
        self.seen_at = time.monotonic()
        _current.set(self)


_current: ContextVar[Liveness | None] = ContextVar("liveness", default=None)


def get_on() -> None:
    """Say that the loop of this greenlet, if it is one, is alive: a wait or a statement is over."""
    liveness = _current.get()
    if liveness is not None:
        liveness.seen_at = time.monotonic()
