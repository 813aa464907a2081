"""Objects that a process makes once, at the first use in any of its threads."""

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
    """Calls `make` once; with `functools.cache` alone, concurrent threads would each make their own."""

    def __init__(self, make: Callable[[], T]) -> None:
        self.__doc__ = make.__doc__
        self._made = cache(make)
        self._lock = threading.Lock()

    def __call__(self) -> T:
        """Return the object, made at the first call."""
        with self._lock:
            return self._made()

    def cache_clear(self) -> None:
        """Close the object, if it has `close`, and drop it. The next call makes another one."""
        with self._lock:
            close = (
                getattr(self._made(), "close", None) if self._made.cache_info().currsize else None
            )
            if close is not None:
                close()
            self._made.cache_clear()


class lazy_for_greenlets(lazy[T]):  # noqa: N801 (used as a decorator)
    """Like `lazy`, but beside greenlets each native thread makes its own object.

    A socket of gevent belongs to the hub of the thread that opened it: no other thread can wait there.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        super().__init__(make)
        self._make = make
        self._of_thread = native_local()

    def __call__(self) -> T:
        """Return the object of this thread, made at the first call."""
        if thread_id() == MAIN_THREAD_IDENT or not monkey.is_module_patched("socket"):
            return super().__call__()
        if not hasattr(self._of_thread, "made"):
            self._of_thread.made = self._make()
        made: T = self._of_thread.made
        return made
