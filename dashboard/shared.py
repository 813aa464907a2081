"""Values that all viewers of a process share: made by one request, used by the others."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """What `make` returned last, made anew when it is older than `fresh_s`.

    While one request makes it, the others go on with the old one, unless that is older than
    `stale_s`. When `make` raises, the next request tries again.
    """

    def __init__(self, make: Callable[[], T], *, fresh_s: float, stale_s: float) -> None:
        self._make = make
        self._fresh_s = fresh_s
        self._stale_s = stale_s
        self._lock = threading.Lock()
        self._made: tuple[T, float] | None = None

    def get(self) -> T:
        """The value. Raises what `make` raises."""
        age_s = self._age_s()
        if age_s >= self._fresh_s and self._lock.acquire(blocking=age_s >= self._stale_s):
            try:
                if self._age_s() >= self._fresh_s:
                    self._made = (self._make(), time.monotonic())
            finally:
                self._lock.release()
        assert self._made is not None
        return self._made[0]

    def forget(self) -> None:
        """Make it anew for the next request: something was changed here."""
        self._made = None

    def _age_s(self) -> float:
        made = self._made
        return float("inf") if made is None else time.monotonic() - made[1]
