"""A consumer's own connection to PostgreSQL, which opens itself again after every fault."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import gevent
import psycopg2
import psycopg2.errors
from gevent.lock import Semaphore

from mahaam.core.liveness import get_on
from mahaam.core.repeated_warning import Complaint
from mahaam.postgres import database
from mahaam.postgres.database import Connection, Cursor
from mahaam.postgres.sqlstates import NO_ANSWER, condition_of, first_line

log = logging.getLogger("mahaam.link")
passing = Complaint(log, every_s=10.0)

T = TypeVar("T")

# The values are at fault, not PostgreSQL's condition: sending them again would not help.
REFUSALS = (
    psycopg2.DataError,
    psycopg2.IntegrityError,
    psycopg2.errors.RaiseException,
    ValueError,
)


class ConnectionBroken(Exception):
    """PostgreSQL did not do it; when it did not answer, whether it was carried out is unknown."""


class ReconnectingConnection:
    """One connection; greenlets that want it at the same time wait for each other.

    They must: psycopg2 holds a lock of the thread while a query is under way, and a second
    greenlet of the same thread that closes the connection would wait for ever.
    """

    def __init__(self, name: str, *, timeout_s: float, settings: tuple[str, ...] = ()) -> None:
        self._name = name
        self._timeout_s = timeout_s
        self._settings = settings
        self._connection: Connection | None = None
        self._down = False
        self._free = Semaphore()
        self.on_open: Callable[[Cursor], None] | None = None

    def run(self, work: Callable[[Cursor], T], *, atomic: bool = False) -> T:
        """What `work` returns; with `atomic` its statements commit together.

        Raises ConnectionBroken when the connection fails, stays silent for the time-out, or PostgreSQL
        cannot write at the moment; one of REFUSALS for values that it will never take.
        """
        with self._free:
            return self._run(work, atomic=atomic)

    @property
    def connection(self) -> Connection:
        """The open connection."""
        if self._connection is None or self._connection.closed:
            self._connection = self._opened()
        return self._connection

    def close(self) -> None:
        """Close the connection; the next use opens another."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()

    def _run(self, work: Callable[[Cursor], T], *, atomic: bool) -> T:
        # One for each run: a timer that is started again goes on with what was left of its time.
        limit = gevent.Timeout(self._timeout_s)
        get_on()
        try:
            with limit, self._cursor(atomic=atomic) as cursor:
                done = work(cursor)
        except REFUSALS:
            raise
        except psycopg2.Error as fault:
            raise self._broken(fault) from fault
        except BaseException as fault:
            if fault is limit:
                raise self._broken(fault) from fault
            self.close()  # killed in the middle of an answer
            raise
        if self._down:
            self._down = False
            log.info("PostgreSQL is back. link=%s", self._name)
        return done

    @contextmanager
    def _cursor(self, *, atomic: bool) -> Iterator[Cursor]:
        connection = self.connection
        with connection.cursor() as cursor:
            if not atomic:
                yield cursor
                return
            cursor.execute("BEGIN")
            try:
                yield cursor
            except REFUSALS:
                cursor.execute("ROLLBACK")
                raise
            cursor.execute("COMMIT")

    def _opened(self) -> Connection:
        connection = database.open_link(self._name, timeout_s=self._timeout_s)
        try:
            with connection.cursor() as cursor:
                for setting in self._settings:
                    cursor.execute(setting)
                if self.on_open is not None:
                    self.on_open(cursor)
        except BaseException:
            connection.close()
            raise
        return connection

    def _broken(self, fault: BaseException) -> ConnectionBroken:
        """Say what is the matter, once while PostgreSQL is away, and give the connection up."""
        self.close()
        condition = condition_of(fault)
        if condition is not None and condition.keeps_session and condition.is_repeated:
            log.info("%s; sent again. link=%s fault=%s", condition.sentence, *self._facts(fault))
        elif condition is not None and condition.keeps_session:
            passing.say(
                "%s; trying again. link=%s fault=%s", condition.sentence, *self._facts(fault)
            )
        elif not self._down:
            self._down = True
            if isinstance(fault, gevent.Timeout):
                condition = NO_ANSWER
            if condition is not None:
                sentence = f"{condition.sentence}; trying again until it can."
            else:
                sentence = "PostgreSQL refused a statement; trying again."
            log.error("%s link=%s fault=%s", sentence, *self._facts(fault))
        return ConnectionBroken(str(fault).strip())

    def _facts(self, fault: BaseException) -> tuple[str, str]:
        return self._name, first_line(fault)
