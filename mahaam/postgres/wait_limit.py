"""Time limits of waits for PostgreSQL, whatever hangs: a frozen server, a cut network, a lock.

Where greenlets wait (a consumer), gevent ends the wait. Elsewhere libpq blocks the thread until
bytes come, and has no time limit once it is connected: a native thread of our own shuts down the
sockets whose time is over, upon which libpq returns with an error. That works for Unix sockets, TLS
and frozen servers, where no setting of TCP does.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Any, TypeVar

import gevent
import psycopg2
from gevent import monkey
from psycopg2.extensions import get_wait_callback

T = TypeVar("T")

start_thread = monkey.get_original("_thread", "start_new_thread")
new_lock = monkey.get_original("_thread", "allocate_lock")
native_sleep = monkey.get_original("time", "sleep")
native_socket = monkey.get_original("socket", "socket")

TICK_S = 0.05
IDLE_S = 5.0  # after which the thread ends; the next statement starts another

_deadline: ContextVar[float] = ContextVar("deadline", default=math.inf)


class NoAnswerInTime(psycopg2.OperationalError):
    """No answer came within the time limit."""


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Limit all waits for PostgreSQL in the block, in this thread or greenlet, to `seconds` together."""
    token = _deadline.set(min(_deadline.get(), time.monotonic() + seconds))
    try:
        yield
    finally:
        _deadline.reset(token)


def left_s(most: float) -> float:
    """Return how many seconds may still be waited, at most `most`; 0: the time is over."""
    deadline = _deadline.get()
    return most if deadline == math.inf else max(0.0, min(most, deadline - time.monotonic()))


class WaitLimit:
    """Ends a wait on an open connection after `seconds`; the connection cannot be used afterwards.

    Raises NoAnswerInTime.
    """

    __slots__ = ("_connection", "_key", "_seconds", "_timer")

    def __init__(self, connection: Any, seconds: float) -> None:
        self._connection = connection
        self._seconds = seconds
        self._timer: gevent.Timeout | None = None
        self._key: int | None = None

    def __enter__(self) -> None:
        if self._seconds <= 0:
            raise _too_late(self._seconds)
        if self._seconds == math.inf:
            return
        if get_wait_callback() is not None:
            self._timer = gevent.Timeout(self._seconds)
            self._timer.start()
        elif not self._connection.closed:
            self._key = cutter.arm(self._connection.fileno(), self._seconds)

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        fault: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if self._timer is not None:
            self._timer.close()
            if fault is self._timer:
                raise _too_late(self._seconds) from fault
        is_cut = self._key is not None and not cutter.disarm(self._key)
        if is_cut and isinstance(fault, psycopg2.Error):  # else the answer came in the last moment
            raise _too_late(self._seconds) from fault


def _too_late(seconds: float) -> NoAnswerInTime:
    return NoAnswerInTime(f"no answer within {seconds:.3g} s")


def opened(open_: Callable[[], T], seconds: float) -> T:
    """Call `open_`, for at most `seconds`. Return what it opens.

    libpq looks names up without a limit, and its own limit begins anew for each of several hosts.
    Raises NoAnswerInTime and what `open_` raises.
    """
    if seconds <= 0:
        raise _too_late(seconds)
    if get_wait_callback() is None:
        made: T = _opened_aside(open_, seconds)
        return made
    limit = gevent.Timeout(seconds)
    try:
        with limit:
            return open_()
    except BaseException as fault:
        if fault is limit:
            raise _too_late(seconds) from fault
        raise


class _Opening:
    """A connection that is being opened, and whether its caller has given up."""

    def __init__(self) -> None:
        self.lock = new_lock()
        self.is_over = new_lock()
        self.is_over.acquire()
        self.is_given_up = False
        self.made: Any = None
        self.fault: BaseException | None = None

    def open(self, open_: Callable[[], Any]) -> None:
        try:
            made, fault = open_(), None
        except BaseException as raised:  # noqa: BLE001 (raised in the thread that waits)
            made, fault = None, raised
        with self.lock:
            if self.is_given_up and made is not None:
                made.close()
            self.made, self.fault = made, fault
        self.is_over.release()


def _opened_aside(open_: Callable[[], Any], seconds: float) -> Any:
    opening = _Opening()
    start_thread(opening.open, (open_,))
    if not opening.is_over.acquire(timeout=seconds):
        with opening.lock:
            opening.is_given_up = opening.made is None and opening.fault is None
        if opening.is_given_up:
            raise _too_late(seconds)
    if opening.fault is not None:
        raise opening.fault
    return opening.made


class SocketCutter:
    """A native thread that shuts down sockets whose time is over; it runs while sockets are armed."""

    def __init__(self) -> None:
        self._begin()
        os.register_at_fork(after_in_child=self._forget)

    def arm(self, descriptor: int, seconds: float) -> int:
        """Shut the socket down after `seconds` unless it is disarmed first. Return the key for `disarm`."""
        key = next(self._keys)
        # A duplicate descriptor: the original may be closed, and its number reused by another socket.
        self._ends[key] = (time.monotonic() + seconds, os.dup(descriptor))
        if not self._runs:
            self._start()
        return key

    def disarm(self, key: int) -> bool:
        """Cancel the shutdown of a socket. Return False if the socket was shut down already."""
        end = self._ends.pop(key, None)
        if end is None:
            return False
        os.close(end[1])
        return True

    def _forget(self) -> None:
        """Reset in the child of a fork, where there is no thread and the sockets are the parent's."""
        for _, descriptor in self._ends.values():
            os.close(descriptor)
        self._begin()

    def _begin(self) -> None:
        self._ends: dict[int, tuple[float, int]] = {}
        self._keys = itertools.count()
        self._lock = new_lock()
        self._runs = False

    def _start(self) -> None:
        with self._lock:
            if not self._runs:
                self._runs = True
                start_thread(self._watch, ())

    def _watch(self) -> None:
        idle_since = time.monotonic()
        while True:
            now = time.monotonic()
            for key, (at, _) in list(self._ends.items()):
                if at <= now:
                    self._cut(key)
            if self._ends:
                idle_since = now
            elif now - idle_since > IDLE_S:
                self._runs = (
                    False  # first: a socket that is armed from now on starts another thread
                )
                if not self._ends:
                    return
                self._runs = True
            native_sleep(TICK_S)

    def _cut(self, key: int) -> None:
        end = self._ends.pop(key, None)  # the thread that pops an entry closes its descriptor
        if end is None:
            return
        with native_socket(fileno=end[1]) as handle, contextlib.suppress(OSError):
            handle.shutdown(2)  # SHUT_RDWR; it may be closed on the other side already


cutter = SocketCutter()
