"""A process's pool of connections to PostgreSQL, which gives out none that is known to be of no use.

A pool of our own, not SQLAlchemy's: it waits no longer than the caller has patience, also for a
connection that is being opened, and sees without asking that the server has ended a session.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

from mahaam.core.liveness import get_on
from mahaam.postgres.connection import Connection
from mahaam.postgres.sqlstates import AllInUse
from mahaam.postgres.wait_limit import left_s, opened

KEPT = 8  # that nobody uses at the moment
OLD_S = 10.0  # one that was idle for longer is asked for a sign of life: a balancer may have forgotten it
PING_S = 1.0


class Pool:
    """At most `size` connections at once; the one that was used last is given out first."""

    def __init__(self, open_: Callable[[], Connection], *, size: int, wait_s: float) -> None:
        """`wait_s` is how long is waited for a free one, and for one that is being opened."""
        self._open = open_
        self._wait_s = wait_s
        self._idle: list[tuple[Connection, float]] = []  # and since when
        self._free = threading.Semaphore(size)
        self._size = size
        self._breaks = 0
        os.register_at_fork(after_in_child=self._forget)

    def take(self) -> Connection:
        """A connection that works as far as can be told. Raises psycopg2.Error, AllInUse among them."""
        get_on()
        if not self._free.acquire(timeout=left_s(self._wait_s)):
            raise AllInUse(f"all {self._size} connections of this process are in use")
        try:
            return self._kept() or self._opened()
        except BaseException:
            self._free.release()
            raise

    def give_back(self, connection: Connection) -> None:
        """Keep a connection for the next one who asks, if it is good for him."""
        if (
            connection.closed
            or connection.breaks != self._breaks
            or len(self._idle) >= KEPT
            or not connection.is_at_rest
            or connection.is_read_only
        ):
            connection.close()
        else:
            self._idle.append((connection, time.monotonic()))
        self._free.release()

    def discard(self, connection: Connection) -> None:
        """Close a connection that has failed, and all that are as old: they met the same fate."""
        if connection.breaks == self._breaks:
            self._breaks += 1
            self.dispose()
        connection.close()
        self._free.release()

    def dispose(self) -> None:
        """Close what nobody uses; the next one who asks gets a new connection."""
        while self._idle:
            self._idle.pop()[0].close()

    close = dispose

    def _kept(self) -> Connection | None:
        """One that is kept and that the server has not ended meanwhile."""
        while self._idle:
            try:
                connection, since = self._idle.pop()
            except IndexError:  # another thread took it
                break
            if _seems_alive(connection) and (
                time.monotonic() - since < OLD_S or connection.answers(left_s(PING_S))
            ):
                return connection
            connection.close()
        return None

    def _opened(self) -> Connection:
        breaks = self._breaks
        connection = opened(self._open, left_s(self._wait_s))
        connection.breaks = breaks
        return connection

    def _forget(self) -> None:
        """In the child of a fork the connections are the parent's; psycopg2 does not close them there."""
        self._idle = []
        self._free = threading.Semaphore(self._size)


def _seems_alive(connection: Connection) -> bool:
    """Whether nothing came that nobody asked for: with such words the server ends a session."""
    if connection.closed:
        return False
    return not connection.has_words()
