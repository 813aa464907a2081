"""The address of PostgreSQL, and the one way in which every part of the product opens it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

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


SCHEMES = ("postgres", "postgresql", "postgresql+psycopg2")
UNKNOWN_OPTION = re.compile(r'invalid URI query parameter: "(\w+)"')
ENCODE = (
    "write each special character of user, password and name by its code, such as %40 for @, %2F for /, "
    "%3A for : and %25 for %"
)


def postgres_url(value: Any) -> str:
    """Return the URL in the spelling of libpq. Raises ValueError, whose message shows no secret."""
    scheme, colon, rest = str(value).strip().partition("://")
    if scheme not in SCHEMES or not colon:
        raise ValueError("it must begin with postgresql://")
    url = f"postgresql://{rest}"
    _check(url, _parsed(url))
    return url


def _parsed(url: str) -> dict[str, str]:
    try:
        return parse_dsn(url)
    except (psycopg2.ProgrammingError, UnicodeError) as fault:
        unknown = UNKNOWN_OPTION.search(str(fault))
        # libpq's other messages quote what it could not read, which may be a password.
        what = f"libpq knows no option {unknown[1]}" if unknown else f"it cannot be read; {ENCODE}"
        raise ValueError(what) from None


def _check(url: str, found: dict[str, str]) -> None:
    """Refuse what libpq would take for something else than was meant."""
    if "@" in found.get("host", "") + found.get("dbname", ""):
        raise ValueError(f"a password or name holds a character that ends it; {ENCODE}")
    hosts, ports = _places(found)
    is_repeated = len(parse_qs(url.rpartition("?")[2]).get("host", [])) > 1
    if is_repeated or any(host.count(":") == 1 for host in hosts if not host.startswith("/")):
        raise ValueError("several hosts are written as postgresql://user@h1:5432,h2:5432/name")
    if not all(port.isdecimal() or not port for port in ports):
        raise ValueError(f"a port is not a number; {ENCODE}")
    if len(ports) not in (1, len(hosts)):
        raise ValueError(f"it has {len(hosts)} hosts, but {len(ports)} ports")


def _places(found: dict[str, str]) -> tuple[list[str], list[str]]:
    hosts = found.get("hostaddr") or found.get("host", "")
    return hosts.split(","), found.get("port", "").split(",")


def without_secrets(url: str) -> str:
    """Return what may be shown of a URL: hosts, ports and the database."""
    found = parse_dsn(url)
    hosts, ports = _places(found)
    pairs = zip(hosts, ports * (len(hosts) if len(ports) == 1 else 1), strict=True)
    places = ",".join(f"{host}:{port}" if port else host for host, port in pairs)
    return f"postgresql://{places}/{found.get('dbname', '')}"


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
