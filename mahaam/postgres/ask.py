"""One query interface for readers with a SQLAlchemy session and for readers with a cursor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from psycopg2.extras import register_uuid

from mahaam.postgres.database import Cursor
from mahaam.postgres.query_limits import Reader

Values = Mapping[str, Any]
Ask = Callable[[str, Values], Sequence[Sequence[Any]]]  # SQL with %(name)s, its values -> rows


def by_session(session: Reader) -> Ask:
    """Return a query function that uses a session, in its transaction."""
    connection = session.connection()
    return lambda sql, values: connection.exec_driver_sql(sql, dict(values)).all()


def by_cursor(cursor: Cursor) -> Ask:
    """Return a query function that uses a cursor of psycopg2."""
    # As SQLAlchemy does for its own connections.
    register_uuid(conn_or_curs=cursor)  # type: ignore[no-untyped-call]

    def ask(sql: str, values: Values) -> Sequence[Sequence[Any]]:
        cursor.execute(sql, values)
        return cursor.fetchall()

    return ask
