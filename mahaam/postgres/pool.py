"""A process's pool of connections to PostgreSQL, which gives out no connection known to be broken.

It is not SQLAlchemy's pool: it keeps the caller's time limit, also for a connection that is being
opened, and detects without a query that the server has ended a session.
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

KEPT = 8  # idle connections, at most
OLD_S = 10.0  # a connection idle for longer is tested: a load balancer may have dropped it
PING_S = 1.0


class Pool:
    """A pool of at most `size` connections. The one that was used last is given out first."""

    def __init__(self, open_: Callable[[], Connection], *, size: int, wait_s: float) -> None:
        """Create an empty pool; `wait_s` limits the wait for a free connection, and for a new one."""
        self._open = open_
        self._wait_s = wait_s
        self._idle: list[tuple[Connection, float]] = []  # each with the time since when it is idle
        self._free = threading.Semaphore(size)
        self._size = size
        self._breaks = 0
        os.register_at_fork(after_in_child=self._forget)

    def take(self) -> Connection:
        """Return a connection that seems to work. Raises psycopg2.Error, AllInUse among them."""
        get_on()
        if not self._free.acquire(timeout=left_s(self._wait_s)):
            raise AllInUse(f"all {self._size} connections of this process are in use")
        try:
            return self._kept() or self._opened()
        except BaseException:
            self._free.release()
            raise

    def give_back(self, connection: Connection) -> None:
        """Take a connection back. It is kept if it can be used again, and closed otherwise."""
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
        """Close a failed connection, and all idle ones, which have probably failed, too."""
        if connection.breaks == self._breaks:
            self._breaks += 1
            self.dispose()
        connection.close()
        self._free.release()

    def dispose(self) -> None:
        """Close all idle connections. The next caller gets a new one."""
        while self._idle:
            self._idle.pop()[0].close()

    close = dispose

    def _kept(self) -> Connection | None:
        """Return an idle connection that the server has not ended meanwhile; None if there is none."""
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
        """Drop all connections in the child of a fork: they are the parent's, and stay open there."""
        self._idle = []
        self._free = threading.Semaphore(self._size)


def _seems_alive(connection: Connection) -> bool:
    """Return True if there is no unsolicited message, with which the server ends a session."""
    if connection.closed:
        return False
    return not connection.has_words()
