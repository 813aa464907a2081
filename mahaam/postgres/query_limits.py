"""Time limits of queries, so that a query of a large table does not block a connection for long."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg2.errors import QueryCanceled
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, scoped_session

from mahaam.core.errors import MahaamError

Reader = Session | scoped_session[Any]  # the session of every query

LIST_LIMIT_MS = 3000
COUNT_LIMIT = 10_000


class QueryTooSlow(MahaamError):
    """The list took longer than 3 seconds. Narrow the filter."""


@contextmanager
def time_limit(session: Reader, *, limit_ms: int = LIST_LIMIT_MS) -> Iterator[None]:
    """Cancel statements of this transaction that take longer than `limit_ms`. Raises QueryTooSlow."""
    session.execute(text(f"SET LOCAL statement_timeout = {int(limit_ms)}"))
    try:
        yield
    except OperationalError as fault:
        session.rollback()
        if isinstance(fault.orig, QueryCanceled):
            raise QueryTooSlow from fault
        raise
