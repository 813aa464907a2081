"""A consumer's own connection to PostgreSQL, which is reopened after every fault."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

import gevent
import psycopg2
import psycopg2.errors
from gevent.lock import Semaphore

from mahaam.core.deadline import Deadline
from mahaam.core.liveness import get_on
from mahaam.core.log_throttle import LogThrottle
from mahaam.postgres import database
from mahaam.postgres.database import Connection, Cursor
from mahaam.postgres.sqlstates import NO_ANSWER, condition_of, first_line

log = logging.getLogger("mahaam.postgres")
passing = LogThrottle(log, every_s=10.0)

T = TypeVar("T")

# The values are at fault, not PostgreSQL's condition: sending them again would not help.
REFUSALS = (
    psycopg2.DataError,
    psycopg2.IntegrityError,
    psycopg2.errors.RaiseException,
    ValueError,
)


class ConnectionBroken(Exception):
    """A statement failed; without an answer it is unknown whether it was executed."""


class ReconnectingConnection:
    """One connection; greenlets that use it at the same time wait for each other.

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
        self._deadline = Deadline(self._give_up)
        self._waits: gevent.Greenlet | None = None  # the greenlet whose statement is under way
        self._late: gevent.Timeout | None = None
        self.on_open: Callable[[Cursor], None] | None = None

    def run(self, work: Callable[[Cursor], T], *, atomic: bool = False) -> T:
        """Do `work`; with `atomic` its statements commit together. Return what it returns.

        Raises ConnectionBroken if the connection fails, does not answer within the time-out, or
        PostgreSQL cannot write at the moment; one of REFUSALS for values that it will never take.
        """
        with self._free:
            return self._run(work, atomic=atomic)

    @property
    def connection(self) -> Connection:
        """Return the connection, opened if necessary."""
        if self._connection is None or self._connection.closed:
            self._connection = self._opened()
        return self._connection

    def close(self) -> None:
        """Close the connection; the next use opens another."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()

    def _run(self, work: Callable[[Cursor], T], *, atomic: bool) -> T:
        get_on()
        self._waits = gevent.getcurrent()
        self._deadline.set(self._timeout_s)
        try:
            done = self._in_transaction(work) if atomic else self._at_once(work)
        except REFUSALS:
            raise
        except psycopg2.Error as fault:
            raise self._broken(fault) from fault
        except BaseException as fault:
            if fault is self._late:
                raise self._broken(fault) from fault
            self.close()  # killed in the middle of an answer
            raise
        finally:
            self._deadline.clear()
        if self._down:
            self._down = False
            log.info("PostgreSQL is back. link=%s", self._name)
        return done

    def _give_up(self) -> None:
        """End the wait of the greenlet whose time is over."""
        self._late = gevent.Timeout(self._timeout_s)
        if self._waits is not None:
            self._waits.throw(self._late)

    def _at_once(self, work: Callable[[Cursor], T]) -> T:
        with self.connection.cursor() as cursor:
            return work(cursor)

    def _in_transaction(self, work: Callable[[Cursor], T]) -> T:
        with self.connection.cursor() as cursor:
            cursor.execute("BEGIN")
            try:
                done = work(cursor)
            except REFUSALS:
                cursor.execute("ROLLBACK")
                raise
            cursor.execute("COMMIT")
        return done

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
        """Close the connection and log the fault, once while PostgreSQL is away. Return the exception."""
        self.close()
        condition = condition_of(fault)
        if condition is not None and condition.keeps_session and condition.is_repeated:
            log.info("%s; sent again. link=%s fault=%s", condition.sentence, *self._facts(fault))
        elif condition is not None and condition.keeps_session:
            passing.warn(
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
