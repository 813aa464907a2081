"""Connections to PostgreSQL: a pool for whoever enqueues or reads, single links for the consumer."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar

import psycopg2
import psycopg2.extensions
from sqlalchemy import Engine, create_engine

from config import get_settings
from tasks.engine.errors import DatabaseUnavailable

Connection = psycopg2.extensions.connection
Cursor = psycopg2.extensions.cursor

T = TypeVar("T")

# A connection in one of these ways broken is thrown away; what it last did is unknown.
BROKEN = (psycopg2.OperationalError, psycopg2.InterfaceError)

PARAMETERS: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    "options": "-c timezone=UTC",
}


@cache
def pool() -> Engine:
    """The process's pool; connections in it commit each statement by itself."""
    engine = create_engine(
        get_settings().database_url.replace("postgresql://", "postgresql+psycopg2://", 1),
        pool_size=8,
        max_overflow=24,
        pool_timeout=10,
        pool_use_lifo=True,
        pool_reset_on_return=None,
        isolation_level="AUTOCOMMIT",
        connect_args={**PARAMETERS, "application_name": "mahaam"},
    )
    os.register_at_fork(after_in_child=lambda: engine.dispose(close=False))
    return engine


@contextmanager
def connection() -> Iterator[Connection]:
    """A pooled connection in autocommit mode. A broken one is not given back to the pool."""
    borrowed = pool().raw_connection()
    try:
        yield borrowed.driver_connection  # type: ignore[misc]
    except BROKEN:
        borrowed.invalidate()
        raise
    finally:
        borrowed.close()


@contextmanager
def transaction() -> Iterator[Cursor]:
    """A cursor whose statements commit together when the block ends well."""
    with connection() as link:
        link.autocommit = False
        try:
            with link, link.cursor() as cursor:
                yield cursor
        finally:
            if not link.closed:
                link.autocommit = True


def repeatable(work: Callable[[Cursor], T]) -> T:
    """What `work` returns; done once more on a new connection when the first one was broken.

    Only for work that does no harm when done twice. Raises DatabaseUnavailable.
    """
    for last in (False, True):
        try:
            with connection() as link, link.cursor() as cursor:
                return work(cursor)
        except BROKEN as fault:
            if last:
                raise DatabaseUnavailable(
                    f"PostgreSQL does not answer ({_first_line(fault)}). Try again."
                ) from fault
    raise AssertionError("unreachable")


def open_link(application_name: str) -> Connection:
    """A connection of one's own, in autocommit mode."""
    link: Connection = psycopg2.connect(
        get_settings().database_url, application_name=application_name, **PARAMETERS
    )
    link.autocommit = True
    return link


def _first_line(fault: BaseException) -> str:
    return (str(fault).strip().splitlines() or [type(fault).__name__])[0]
