"""The list of temporary conditions of PostgreSQL, in which it cannot execute statements.

The consumer's connections, the pool, the console and the command line all use it. Any error that is
not in the list is a fault of the statement: sending it again would not help.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg2
import sqlalchemy.exc


class AllInUse(psycopg2.OperationalError):
    """All connections that this process may have are in use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A temporary condition of PostgreSQL.

    `codes` are SQLSTATEs, or their first two characters for a whole class. `keeps_session`: the
    same connection can be used for the next statement. `is_undone`: nothing that was sent has been
    done. `is_repeated`: the same may succeed at once, on another connection or at a second try.
    """

    name: str
    codes: tuple[str, ...]
    sentence: str
    keeps_session: bool = False
    is_undone: bool = True
    is_repeated: bool = False


NO_ANSWER = Condition(
    name="no_answer",
    codes=("08",),
    sentence="PostgreSQL does not answer",
    is_undone=False,
    is_repeated=True,
)
BUSY = Condition(
    name="busy",
    codes=(),
    sentence="No connection to PostgreSQL is free here",
    keeps_session=True,
)
TOO_MANY_CONNECTIONS = Condition(
    name="too_many_connections",
    codes=("53300",),
    sentence="PostgreSQL takes no further connection",
)
ROLLED_BACK = Condition(
    name="rolled_back",
    codes=("40",),
    sentence="PostgreSQL rolled a transaction back that met another one",
    keeps_session=True,
    is_repeated=True,
)

CONDITIONS = (
    NO_ANSWER,
    BUSY,
    Condition(
        name="read_only",
        codes=("25006",),
        sentence="PostgreSQL is read-only at the moment, as a standby is",
        is_repeated=True,
    ),
    TOO_MANY_CONNECTIONS,
    Condition(
        name="out_of_resources",
        codes=("53", "58"),
        sentence="PostgreSQL is out of disk, memory or another resource",
    ),
    Condition(
        name="stopping",
        codes=("57P01", "57P02", "57P03", "57P04", "57P05"),
        sentence="PostgreSQL is stopping or starting",
        is_undone=False,
        is_repeated=True,
    ),
    Condition(
        name="too_slow",
        codes=("57014",),
        sentence="PostgreSQL gave up a statement that took too long",
        keeps_session=True,
    ),
    Condition(
        name="locked",
        codes=("55P03",),
        sentence="Somebody holds a lock in PostgreSQL that is needed here",
        keeps_session=True,
    ),
    Condition(
        name="completion_unknown",
        codes=("40003",),
        sentence="PostgreSQL does not know whether it was done",
        is_undone=False,
    ),
    ROLLED_BACK,
    Condition(
        name="idle_too_long",
        codes=("25P03", "25P04"),
        sentence="PostgreSQL ended a transaction that stood still",
    ),
    # A pooler before PostgreSQL has given the session to another client: prepared statements are gone.
    Condition(
        name="session_lost",
        codes=("25P02", "26000", "42P05"),
        sentence="The session in PostgreSQL is not the one that was begun",
        is_repeated=True,
    ),
)

BY_CODE = {code: condition for condition in CONDITIONS for code in condition.codes}

# While a connection is opened psycopg2 has no SQLSTATE, only the server's message.
WORDS = {
    "too many clients": TOO_MANY_CONNECTIONS,
    "too many connections": TOO_MANY_CONNECTIONS,
    "connection slots are reserved": TOO_MANY_CONNECTIONS,
    "the database system is": BY_CODE["57P03"],  # starting up, shutting down, in recovery mode
    "session is read-only": BY_CODE["25006"],  # none of several hosts is the one that is wanted
    "session is not read-only": BY_CODE["25006"],
    "server is in hot standby": BY_CODE["25006"],
}


def condition_of(fault: BaseException | None) -> Condition | None:
    """Return the temporary condition that caused a fault; None: the statement is at fault.

    `fault` is psycopg2's, SQLAlchemy's, or one of ours that was raised from them.
    """
    while fault is not None:
        if isinstance(fault, sqlalchemy.exc.TimeoutError):
            return BUSY
        if isinstance(fault, sqlalchemy.exc.DBAPIError):
            fault = fault.orig
        elif isinstance(fault, psycopg2.Error):
            return _of_psycopg2(fault)
        else:
            fault = fault.__cause__
    return None


def keeps_session(fault: BaseException) -> bool:
    """Return True if the connection of this fault can be used for the next statement."""
    condition = condition_of(fault)
    return condition is None or condition.keeps_session


def first_line(fault: BaseException) -> str:
    """Return the first line of a fault's message, or the name of its class."""
    cause: Any = getattr(fault, "orig", None) or fault
    return (str(cause).strip().splitlines() or [type(cause).__name__])[0]


def _of_psycopg2(fault: psycopg2.Error) -> Condition | None:
    if isinstance(fault, AllInUse):
        return BUSY
    if fault.pgcode is not None:
        return BY_CODE.get(fault.pgcode) or BY_CODE.get(fault.pgcode[:2])
    # Each error of PostgreSQL has a class of its own; a plain DatabaseError means no answer came.
    if isinstance(fault, psycopg2.OperationalError | psycopg2.InterfaceError):
        return _by_words(str(fault))
    return NO_ANSWER if type(fault) is psycopg2.DatabaseError else None


def _by_words(text: str) -> Condition:
    return next((found for words, found in WORDS.items() if words in text), NO_ANSWER)
