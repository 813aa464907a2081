"""The check of a task's return value: a result, or work that would never be done."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Generator, Iterator
from concurrent.futures import Future
from typing import Any

import gevent
from gevent.event import AsyncResult

from mahaam.core.errors import MahaamError

PLAIN = frozenset((type(None), bool, int, float, str, bytes, list, tuple, dict, set))
LAZY_MODULES = ("builtins", "itertools")  # map, filter, zip and their like: only a loop runs them

ASYNC = "Call asyncio.run(…) in the task and return what that brings."
LOOP = "Loop over it in the task, or return list(…) of it."
WAIT = "Wait for it in the task and return what it brings."
# In this order: a generator is an iterator, a task of asyncio is a future.
UNDONE: tuple[tuple[str, tuple[type, ...], str], ...] = (
    ("an asynchronous iterator", (AsyncGenerator, AsyncIterator), ASYNC),
    ("a future", (Future, AsyncResult, gevent.Greenlet), WAIT),
    ("a coroutine or another awaitable", (Awaitable,), ASYNC),
    ("a generator", (Generator,), LOOP),
)


class TaskDidNotRun(MahaamError):
    """The task returned work that was not done, instead of doing it."""


def check(value: Any) -> None:
    """Raise TaskDidNotRun if `value` is work that is still to be done."""
    kind = type(value)
    if kind in PLAIN:
        return
    found = _undone(kind)
    if found is None:
        return
    _end(value)
    what, advice = found
    raise TaskDidNotRun(
        f"The task returned {what} ({kind.__name__}), whose code has not run to its end: nobody waits for "
        f"it once the task has returned. {advice}"
    )


def _undone(kind: type) -> tuple[str, str] | None:
    """Return what undone work of a class is called and advice; None for a result's class."""
    for what, kinds, advice in UNDONE:
        if issubclass(kind, kinds):
            return what, advice
    if kind.__module__ in LAZY_MODULES and issubclass(kind, Iterator):
        return "an iterator", LOOP
    if kind.__module__ == "multiprocessing.pool" and hasattr(kind, "successful"):
        return "a result that is not there yet", WAIT
    return None


def _end(value: Any) -> None:
    """Close a coroutine or generator, else Python would warn later that it was never awaited."""
    close = getattr(value, "close", None)
    if callable(close) and isinstance(value, Generator | Awaitable):
        close()
