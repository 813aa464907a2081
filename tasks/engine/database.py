"""Connections to PostgreSQL: a pool for whoever enqueues or reads, single links for the consumer."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any, TypeVar

import psycopg2
import psycopg2.extensions
import sqlalchemy.exc
from sqlalchemy import Engine, create_engine

from addresses.postgres import DRIVER, open_postgres
from config import get_settings
from tasks.engine.errors import DatabaseUnavailable
from tasks.engine.once import once

Cursor = psycopg2.extensions.cursor


class Connection(psycopg2.extensions.connection):
    """A connection that knows which statements it has prepared."""

    def __init__(self, dsn: str, **options: Any) -> None:
        super().__init__(dsn, **options)
        self.prepared: set[str] = set()

    def prepare(self, name: str, statement: str) -> None:
        """Prepare a statement, unless that was done before on this connection."""
        if name not in self.prepared:
            with self.cursor() as cursor:
                cursor.execute(statement)
            self.prepared.add(name)


T = TypeVar("T")

NO_ANSWER = (psycopg2.OperationalError, psycopg2.InterfaceError, sqlalchemy.exc.TimeoutError)
AWAY = (psycopg2.Error, sqlalchemy.exc.TimeoutError)  # of these, those for which is_broken says yes

PARAMETERS: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    "connection_factory": Connection,
}


@once
def pool() -> Engine:
    """The process's pool; connections in it commit each statement by itself."""
    engine = create_engine(
        DRIVER,
        creator=partial(_opened, "mahaam"),
        pool_size=8,
        max_overflow=24,
        pool_timeout=10,
        pool_use_lifo=True,
        pool_reset_on_return=None,
        isolation_level="AUTOCOMMIT",
    )
    os.register_at_fork(after_in_child=lambda: engine.dispose(close=False))
    return engine


def is_broken(fault: BaseException) -> bool:
    """Whether the connection is of no more use; what was sent last may have been carried out.

    psycopg2 gives each error of PostgreSQL a class of its own; a bare DatabaseError has no code,
    because no answer came.
    """
    return isinstance(fault, NO_ANSWER) or type(fault) is psycopg2.DatabaseError


@contextmanager
def connection() -> Iterator[Connection]:
    """A pooled connection in autocommit mode. A broken one is not given back to the pool."""
    borrowed = pool().raw_connection()
    try:
        yield borrowed.driver_connection  # type: ignore[misc]
    except psycopg2.Error as fault:
        if is_broken(fault):
            borrowed.invalidate()
        raise
    finally:
        borrowed.close()


@contextmanager
def transaction() -> Iterator[Cursor]:
    """A cursor whose statements commit together when the block ends well.

    Raises DatabaseUnavailable.
    """
    try:
        with connection() as link, _committed(link), link.cursor() as cursor:
            yield cursor
    except AWAY as fault:
        if not is_broken(fault):
            raise
        raise _unavailable(fault) from fault


def repeatable(work: Callable[[Cursor], T], *, atomic: bool = False) -> T:
    """What `work` returns; done once more on a new connection when the first one was broken.

    Only for work that does no harm when done twice. With `atomic` its statements commit together.
    Raises DatabaseUnavailable.
    """
    try:
        return _once(work, atomic=atomic)
    except psycopg2.Error as fault:
        if not is_broken(fault):
            raise
    try:
        return _once(work, atomic=atomic)
    except AWAY as fault:
        if not is_broken(fault):
            raise
        raise _unavailable(fault) from fault


def _once(work: Callable[[Cursor], T], *, atomic: bool) -> T:
    with (
        connection() as link,
        _committed(link) if atomic else nullcontext(),
        link.cursor() as cursor,
    ):
        return work(cursor)


@contextmanager
def _committed(link: Connection) -> Iterator[None]:
    link.autocommit = False
    try:
        with link:
            yield
    finally:
        if not link.closed:
            link.autocommit = True


def _unavailable(fault: Exception) -> DatabaseUnavailable:
    first_line = (str(fault).strip().splitlines() or [type(fault).__name__])[0]
    return DatabaseUnavailable(f"PostgreSQL does not answer ({first_line}). Try again.")


def open_link(application_name: str) -> Connection:
    """A connection of one's own, in autocommit mode."""
    settings = get_settings()
    # A consumer that is frozen in the middle of a transaction holds locks on rows of jobs that
    # others are to rescue: PostgreSQL ends the transaction for it, before its lease is over.
    idle_ms = int(min(10.0, settings.lease_s / 2) * 1000)
    link = _opened(application_name, idle_in_transaction_session_timeout=f"{idle_ms}ms")
    link.autocommit = True
    return link


def _opened(application_name: str, **session: str) -> Connection:
    link = open_postgres(
        get_settings().database_url,
        session=session,
        application_name=application_name,
        **PARAMETERS,
    )
    assert isinstance(link, Connection)
    return link
