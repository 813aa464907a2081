"""Connections to PostgreSQL: a pool for enqueueing and reading, single connections for the consumer."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

import psycopg2
from psycopg2.extras import register_uuid

from mahaam.addresses.postgres import open_postgres
from mahaam.config import get_settings
from mahaam.core.errors import DatabaseUnavailable
from mahaam.core.lazy import lazy
from mahaam.postgres.connection import Connection, Cursor, LimitedCursor
from mahaam.postgres.pool import Pool
from mahaam.postgres.sqlstates import ROLLED_BACK, condition_of, first_line, keeps_session
from mahaam.postgres.wait_limit import left_s, patience

__all__ = [
    "Connection", "Cursor", "connection", "explained", "limits",
    "open_limited", "open_link", "pool", "repeatable",
    "transaction",
]  # fmt: skip

T = TypeVar("T")

POOL_SIZE = 32
POOL_WAIT_S = 10.0  # for a free connection, and for a new one
POOL_IDLE_S = 60.0  # in a transaction, while Python does something else
BEGIN_S = 5.0  # for the first statement on an idle connection, which shows whether it works
MEETINGS = 3  # tries of a transaction that conflicts with others, before the last one
STATEMENT_S = 30.0  # time limit of a statement in the pool, unless the caller sets a shorter one
LINK_S = 10.0
LOCK_S = 5.0
CHECK_S = 2.0  # how often PostgreSQL checks whether the client of a statement is gone, and ends it
OF_THE_LIMIT = 0.9  # PostgreSQL gives up a little before its client, so that it can report why

IDLE = "SELECT set_config('idle_in_transaction_session_timeout', %s, true)"

PARAMETERS: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    "connection_factory": Connection,
}


@lazy
def pool() -> Pool:
    """Return the pool of this process. Its connections commit each statement by itself."""
    lock_s = OF_THE_LIMIT * get_settings().enqueue_timeout_s
    open_ = partial(open_limited, "mahaam", lock_s=lock_s, autocommit=True)
    return Pool(open_, size=POOL_SIZE, wait_s=POOL_WAIT_S)


@contextmanager
def connection() -> Iterator[Connection]:
    """Yield a pooled connection in autocommit mode. A broken one is not given back."""
    taken = pool().take()
    with _given_back(taken):
        yield taken


@contextmanager
def transaction(
    *, statement_s: float = STATEMENT_S, idle_s: float | None = None
) -> Iterator[Cursor]:
    """Yield a cursor whose statements commit together if the block ends without an exception.

    `statement_s` limits the wait for each statement and for the commit; between two of them at most
    `idle_s` may pass (None: POOL_IDLE_S). Raises DatabaseUnavailable.
    """
    with explained():
        taken = _begun(statement_s)
        with _given_back(taken), taken.cursor() as cursor, _committed(cursor):
            if idle_s is not None:
                cursor.execute(IDLE, (f"{idle_s:.0f}s",))
            yield cursor


def repeatable(work: Callable[[Cursor], T], *, atomic: bool = False) -> T:
    """Do `work`, and repeat it once if that may help, such as after a broken connection.

    Only for work that may be done twice. With `atomic` its statements commit together. Return what
    `work` returns. Raises DatabaseUnavailable.
    """
    done = _in_transaction if atomic else _at_once
    try:
        return done(work)
    except psycopg2.Error as fault:
        condition = condition_of(fault)
        if condition is None or not condition.is_repeated:
            _explain(fault)
            raise
    try:
        return done(work)
    except psycopg2.Error as fault:
        _explain(fault)
        raise


def transact(work: Callable[[Cursor], T]) -> T:
    """Do `work`, whose statements commit together, and never twice. Return what it returns.

    A transaction that PostgreSQL rolled back because of another one, as in a deadlock, was not done
    at all: so it is repeated. Raises DatabaseUnavailable.
    """
    with explained():
        for _ in range(MEETINGS):
            try:
                return _in_transaction(work)
            except psycopg2.Error as fault:
                if condition_of(fault) is not ROLLED_BACK:
                    raise
        return _in_transaction(work)


def _at_once(work: Callable[[Cursor], T]) -> T:
    taken = pool().take()
    try:
        with taken.cursor() as cursor:
            done = work(cursor)
    except BaseException as fault:
        _give_back(taken, fault)
        raise
    _give_back(taken, None)
    return done


def _in_transaction(work: Callable[[Cursor], T]) -> T:
    taken = _begun(STATEMENT_S)
    with _given_back(taken), taken.cursor() as cursor, _committed(cursor):
        return work(cursor)


def _begun(statement_s: float) -> Connection:
    """Return a connection in a transaction. If BEGIN fails, another connection is tried: nothing was done."""
    with patience(statement_s):
        with contextlib.suppress(psycopg2.Error), patience(left_s(2 * BEGIN_S) / 2):
            return _with_begin(statement_s)
        return _with_begin(statement_s)


def _with_begin(statement_s: float) -> Connection:
    taken = pool().take()
    try:
        taken.limit_s = statement_s
        with taken.cursor() as cursor:
            cursor.execute("BEGIN")
    except BaseException as fault:
        _give_back(taken, fault)
        raise
    return taken


@contextmanager
def _committed(cursor: Cursor) -> Iterator[None]:
    """Commit a transaction at the end of the block, or roll it back after an exception."""
    try:
        yield
    except BaseException:
        if not cursor.connection.closed:
            with contextlib.suppress(psycopg2.Error):  # the pool closes what is not at rest
                cursor.execute("ROLLBACK")
        raise
    cursor.execute("COMMIT")


@contextmanager
def _given_back(taken: Connection) -> Iterator[None]:
    try:
        yield
    except BaseException as fault:
        _give_back(taken, fault)
        raise
    _give_back(taken, None)


def _give_back(taken: Connection, fault: BaseException | None) -> None:
    taken.limit_s = STATEMENT_S
    if isinstance(fault, psycopg2.Error) and not keeps_session(fault):
        pool().discard(taken)
    else:
        pool().give_back(taken)


@contextmanager
def explained() -> Iterator[None]:
    """Turn temporary conditions of PostgreSQL into DatabaseUnavailable."""
    try:
        yield
    except psycopg2.Error as fault:
        _explain(fault)
        raise


def _explain(fault: psycopg2.Error) -> None:
    """Raise DatabaseUnavailable for a temporary condition. Does nothing for any other fault."""
    condition = condition_of(fault)
    if condition is not None:
        raise DatabaseUnavailable(
            f"{condition.sentence} ({first_line(fault)}). Try again."
        ) from fault


def open_limited(application_name: str, *, lock_s: float, autocommit: bool) -> Connection:
    """Return a connection for a pool, with the time limit STATEMENT_S for a statement."""
    session = limits(STATEMENT_S, lock_s=lock_s, idle_s=POOL_IDLE_S)
    link = _opened(application_name, session, cursor_factory=LimitedCursor)
    register_uuid(conn_or_curs=link)  # type: ignore[no-untyped-call]
    link.limit_s = STATEMENT_S
    link.autocommit = autocommit
    return link


def open_link(application_name: str, *, timeout_s: float = LINK_S) -> Connection:
    """Return a connection outside of the pool, in autocommit mode, with the time limit `timeout_s`."""
    # A consumer that is frozen in the middle of a transaction holds locks on rows of jobs that
    # others are to rescue: so PostgreSQL ends the transaction before the consumer's lease is over.
    idle_s = min(10.0, get_settings().lease_s / 2)
    lock_s = min(LOCK_S, timeout_s / 2)
    return _opened(application_name, limits(timeout_s, lock_s=lock_s, idle_s=idle_s))


def limits(timeout_s: float, *, lock_s: float, idle_s: float) -> dict[str, str]:
    """Return the settings of a session whose client waits `timeout_s` for a statement.

    So a time-out of the client ends the statement in the server, too, even if no message from the
    client reaches it.
    """
    seconds = {
        "statement_timeout": OF_THE_LIMIT * timeout_s,
        "lock_timeout": lock_s,
        "idle_in_transaction_session_timeout": idle_s,
        "client_connection_check_interval": CHECK_S,
    }
    return {name: f"{max(1, int(value * 1000))}ms" for name, value in seconds.items()}


def _opened(application_name: str, session: dict[str, str], **parameters: Any) -> Connection:
    link = open_postgres(
        get_settings().database_url,
        session=session,
        application_name=application_name,
        **PARAMETERS,
        **parameters,
    )
    assert isinstance(link, Connection)
    link.autocommit = True
    return link
