"""Something that a process makes once, whichever of its threads asks first."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache
from typing import Generic, TypeVar

from gevent import monkey
from gevent.hub import MAIN_THREAD_IDENT

T = TypeVar("T")

thread_id = monkey.get_original("_thread", "get_ident")
native_local = monkey.get_original("_thread", "_local")


class lazy(Generic[T]):  # noqa: N801 (used as a decorator)
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


class lazy_for_greenlets(lazy[T]):  # noqa: N801 (used as a decorator)
    """As `once`; but beside greenlets each native thread makes its own.

    A socket of gevent's belongs to the hub of the thread that opened it: no other thread can wait there.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        super().__init__(make)
        self._make = make
        self._of_thread = native_local()

    def __call__(self) -> T:
        """What was made, for this thread."""
        if thread_id() == MAIN_THREAD_IDENT or not monkey.is_module_patched("socket"):
            return super().__call__()
        if not hasattr(self._of_thread, "made"):
            self._of_thread.made = self._make()
        made: T = self._of_thread.made
        return made
