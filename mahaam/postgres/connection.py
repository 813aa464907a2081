"""A connection to PostgreSQL on which each wait for a statement has a limit."""

from __future__ import annotations

import math
import select
from typing import Any

import psycopg2
import psycopg2.extensions
from gevent import monkey
from psycopg2.extensions import STATUS_READY, TRANSACTION_STATUS_IDLE

from mahaam.core import inherited_connections
from mahaam.postgres.wait_limit import WaitLimit, left_s

Cursor = psycopg2.extensions.cursor

new_poll = monkey.get_original("select", "poll")

READ_ONLY = ("in_hot_standby", "default_transaction_read_only")


class Connection(psycopg2.extensions.connection):
    """A connection that knows which statements it has prepared."""

    def __init__(self, dsn: str, **options: Any) -> None:
        super().__init__(dsn, **options)
        self.prepared: set[str] = set()
        self.breaks = 0  # the pool's count of breaks when it was opened
        self.limit_s = math.inf  # the time limit of a statement on a limited cursor
        self._poll: Any = None
        inherited_connections.links.add(self)

    def prepare(self, name: str, statement: str) -> None:
        """Prepare a statement, unless that was done before on this connection."""
        if name not in self.prepared:
            with self.cursor() as cursor:
                cursor.execute(statement)
            self.prepared.add(name)

    def has_words(self) -> bool:
        """Return True if there are unread bytes of the server, or the socket has failed."""
        if self._poll is None:
            self._poll = new_poll()  # gevent's own belongs to one thread; this one does not wait
            self._poll.register(self.fileno(), select.POLLIN)
        return bool(self._poll.poll(0))

    @property
    def is_at_rest(self) -> bool:
        """Return True if it is in no transaction and commits each statement by itself."""
        return (
            self.autocommit
            and self.status == STATUS_READY
            and self.get_transaction_status() == TRANSACTION_STATUS_IDLE
        )

    @property
    def is_read_only(self) -> bool:
        """Return True if the server has reported that it takes no changes (since PostgreSQL 14)."""
        return "on" in map(self.get_parameter_status, READ_ONLY)

    def answers(self, within_s: float) -> bool:
        """Return True if the server answers within the time."""
        try:
            with WaitLimit(self, within_s), self.cursor() as cursor:
                cursor.execute("SELECT 1")
        except psycopg2.Error:
            return False
        return True


class LimitedCursor(Cursor):
    """A cursor of a pooled connection, with the connection's time limit on each statement."""

    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002 (psycopg2's own name)
        """Send one statement. Raises psycopg2.Error, NoAnswerInTime among them."""
        connection = self.connection
        assert isinstance(connection, Connection)
        with WaitLimit(connection, left_s(connection.limit_s)):
            super().execute(query, vars)
