"""Something that a process makes once, whichever of its threads asks first."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache
from typing import Generic, TypeVar

T = TypeVar("T")


class once(Generic[T]):  # noqa: N801 (used as a decorator)
    """Calls `make` once; `functools.cache` alone would let each thread of a rush make its own."""

    def __init__(self, make: Callable[[], T]) -> None:
        self.__doc__ = make.__doc__
        self._made = cache(make)
        self._lock = threading.Lock()

    def __call__(self) -> T:
        """What was made."""
        with self._lock:
            return self._made()

    def cache_clear(self) -> None:
        """Close it, if it can be, and forget it: the next call makes another."""
        with self._lock:
            close = (
                getattr(self._made(), "close", None) if self._made.cache_info().currsize else None
            )
            if close is not None:
                close()
            self._made.cache_clear()
