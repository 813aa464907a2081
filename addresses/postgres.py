"""The address of PostgreSQL, and the one way in which every part of the product opens it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg2
import psycopg2.extensions
from psycopg2.extensions import parse_dsn

Connection = psycopg2.extensions.connection

SCHEMA = "mahaam"  # of our tables, so that the database can be shared with an application's

# What SQLAlchemy is told: the name of the driver. Where the server is only libpq knows, because
# SQLAlchemy's URLs have no room for several hosts.
DRIVER = "postgresql+psycopg2://"

OURS = f"'{SCHEMA}'"
BEFORE_THEIRS = f"concat_ws(', ', {OURS}, nullif(current_setting('search_path'), ''))"


def open_postgres(
    url: str, *, session: Mapping[str, str] | None = None, **parameters: Any
) -> Connection:
    """Open a connection that finds our tables by their names alone.

    `session` has settings of the session, such as statement_timeout; `parameters` are libpq's and
    psycopg2's, and give way to those in the URL. The settings are told after the connection is
    open, not as libpq's `options`: the URL may have `options` of its own, and PgBouncer refuses
    them. Raises psycopg2.Error.
    """
    said = parse_dsn(url)
    link: Connection = psycopg2.connect(
        url, **{name: value for name, value in parameters.items() if name not in said}
    )
    try:
        _tell(link, session or {}, path=_path(said.get("options", "")))
    except BaseException:
        link.close()
        raise
    return link


def _path(options: str) -> str:
    """The SQL expression of the search path.

    It is our schema alone: an application's table of the same name must never stand in for one of
    ours that is missing. Only a path that the URL itself asks for is kept behind ours.
    """
    return BEFORE_THEIRS if "search_path" in options.replace("-", "_") else OURS


def _tell(link: Connection, session: Mapping[str, str], *, path: str) -> None:
    settings = {"TimeZone": "UTC", **session}
    calls = ", ".join(["set_config(%s, %s, false)"] * len(settings))
    values = [word for setting in settings.items() for word in setting]
    link.autocommit = True  # a setting told inside a transaction would be rolled back with it
    with link.cursor() as cursor:
        cursor.execute(f"SELECT set_config('search_path', {path}, false), {calls}", values)
    link.autocommit = False
