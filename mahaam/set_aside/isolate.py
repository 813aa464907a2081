"""Isolation of a row that cannot be handled, so that a loop that serves all rows continues.

A batch that fails is done again in halves until the row is found that it fails on. That row is set
aside, with the reason, and the batch leaves it out from then on; it is tried again alone, in
growing intervals.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

import psycopg2
import redis

from mahaam.core.errors import DatabaseUnavailable
from mahaam.core.log_throttle import cause
from mahaam.postgres.database import Cursor
from mahaam.postgres.reconnecting import REFUSALS, ConnectionBroken
from mahaam.set_aside import store
from mahaam.set_aside.store import NewSetAside

log = logging.getLogger("mahaam.set_aside")

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Run = Callable[[Callable[[Cursor], Any]], Any]  # carries out work on some connection

GIVE_BACK = "give back"  # the loop of jobs that are to leave their worker

# No row's fault: the servers cannot answer at the moment.
PASSING = (ConnectionBroken, DatabaseUnavailable, redis.RedisError)

_known: dict[str, dict[str, bool]] = {}  # loop to key to whether it is to be tried again


class RowWork(Protocol[T_co]):
    """The work of a loop on all rows but some, or on those with `keys` alone."""

    def __call__(
        self, cursor: Cursor, *, but: Sequence[str] = (), keys: Sequence[str] | None = None
    ) -> T_co:
        """Do the work."""


class RowKeys(Protocol):
    """The keys of the rows that the work would be done to."""

    def __call__(self, cursor: Cursor, *, but: Sequence[str] = ()) -> list[str]:
        """Return the keys."""


def learn(found: Sequence[NewSetAside]) -> None:
    """Replace what this process knows of the rows that are set aside by what the table has."""
    known: dict[str, dict[str, bool]] = {}
    for row in found:
        known.setdefault(row.loop, {})[row.key] = row.is_due
    _known.update({loop: {} for loop in _known} | known)  # at once: the lease's thread reads too


def keys(loop: str) -> list[str]:
    """Return the rows that a loop leaves out."""
    return list(_known.get(loop, ()))


def due(loop: str) -> list[str]:
    """Return the rows that are left out and are to be tried again."""
    return [key for key, is_due in _known.get(loop, {}).items() if is_due]


def handle(run: Run, loop: str, work: RowWork[T], *, find: RowKeys) -> list[T]:
    """Do a batch, and what is to be tried again. Return what the parts returned.

    Raises errors that are no row's fault.
    """
    try:
        done = [run(partial(work, but=keys(loop)))]
    except PASSING:
        raise
    except Exception as fault:  # whatever it is, the row is searched for
        if is_servers_fault(fault):
            raise
        done = sift(run, loop, run(partial(find, but=keys(loop))), work)
    return done + retry(run, loop, work)


def retry(run: Run, loop: str, work: RowWork[T]) -> list[T]:
    """Try rows again that are due. Return what the parts returned."""
    done: list[T] = []
    for key in due(loop):
        found = sift(run, loop, [key], work)
        if found:
            forget(run, loop, key)
        done += found
    return done


def each(run: Run, loop: str, rows: Mapping[str, Callable[[Cursor], T]]) -> list[T]:
    """Do each row's own call, in a part of its own. Return what the calls returned."""
    left_out = set(keys(loop)) - set(due(loop))
    done: list[T] = []
    for key, do in rows.items():
        if key in left_out:
            continue
        found = sift(run, loop, [key], partial(_alone, do=do))
        if found and key in keys(loop):
            forget(run, loop, key)
        done += found
    return done


def _alone(
    cursor: Cursor,
    *,
    do: Callable[[Cursor], T],
    but: Sequence[str] = (),
    keys: Sequence[str] | None = None,
) -> T:
    return do(cursor)


def sift(run: Run, loop: str, wanted: Sequence[str], work: RowWork[T]) -> list[T]:
    """Do the work on rows, and set those aside that it fails on. Return what the parts returned."""
    if not wanted:
        return []
    try:
        return [run(partial(work, keys=wanted))]
    except PASSING:
        raise
    except Exception as fault:  # whatever it is, it is the row's fault alone
        if is_servers_fault(fault):
            raise
        if len(wanted) == 1:
            put(run, loop, wanted[0], fault)
            return []
    half = len(wanted) // 2
    return sift(run, loop, wanted[:half], work) + sift(run, loop, wanted[half:], work)


def put(run: Run, loop: str, key: str, fault: BaseException) -> None:
    """Leave a row out from now on, and log it if it was not left out before.

    While PostgreSQL is away nothing is stored: the row is read again, and set aside then.
    """
    _known.setdefault(loop, {})[key] = False
    try:
        is_news = run(partial(store.put, loop=loop, key=key, fault=fault))
    except PASSING:
        return
    if is_news:
        log.error(
            "A row cannot be handled and is put aside; the others go on. loop=%s key=%s fault=%s",
            loop,
            key,
            f"{type(fault).__name__}: {fault}".splitlines()[0],
            extra=cause(loop, key),
        )


def forget(run: Run, loop: str, key: str) -> None:
    """Include a row again that was handled; while PostgreSQL is away that is done later."""
    _known.get(loop, {}).pop(key, None)
    try:
        run(partial(store.done, loop=loop, key=key))
    except PASSING:
        return
    log.info("A row that was put aside was handled. loop=%s key=%s", loop, key)


def is_servers_fault(fault: BaseException) -> bool:
    """Return True for an error that no value of a row explains: PostgreSQL was not able to answer."""
    return isinstance(fault, psycopg2.Error) and not isinstance(fault, REFUSALS)


def inside(cursor: Cursor) -> Run:
    """Return a run that does work in a part of a transaction that can fail alone."""

    def run(work: Callable[[Cursor], Any]) -> Any:
        cursor.execute("SAVEPOINT part")
        try:
            done = work(cursor)
        except Exception:
            if not cursor.connection.closed:
                cursor.execute("ROLLBACK TO SAVEPOINT part")
            raise
        cursor.execute("RELEASE SAVEPOINT part")
        return done

    return run
