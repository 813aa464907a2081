"""Signs of life of loops: the last time when the loop of this greenlet made progress."""

from __future__ import annotations

import time
from contextvars import ContextVar


class Liveness:
    """A loop's last sign of life."""

    def __init__(self) -> None:
        self.seen_at = time.monotonic()

    def silent_s(self) -> float:
        """Return the seconds since the last sign of life."""
        return time.monotonic() - self.seen_at

    def begin(self) -> None:
        """Record the signs of life of this greenlet from now on."""
        self.seen_at = time.monotonic()
        _current.set(self)


_current: ContextVar[Liveness | None] = ContextVar("liveness", default=None)


def get_on() -> None:
    """Record a sign of life of this greenlet's loop, if it runs one: a wait or a statement is over."""
    liveness = _current.get()
    if liveness is not None:
        liveness.seen_at = time.monotonic()
