"""Checks before the start: the port is free, and the configured servers accept us."""

from __future__ import annotations

import socket
from collections.abc import Callable

import psycopg2
from redis.exceptions import RedisError

from mahaam.addresses import postgres, redis
from mahaam.config import Settings

from .faults import PortTaken, ServerNotReachable, ServerUnfit

CONNECT_TIMEOUT_S = 5
READS_ONLY = "SELECT current_setting('transaction_read_only') = 'on'"


def check_port(host: str, port: int) -> None:
    """Raise PortTaken when the web server could not listen there."""
    try:
        related_jobs, kind, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(related_jobs, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise PortTaken(
            f"Cannot listen on {host}:{port} ({error.strerror}): "
            "stop what uses it, or set HOST or PORT."
        ) from None


def check_servers(settings: Settings) -> None:
    """Open every address of the configuration as the parts of the product will.

    Raises ServerUnfit or ServerNotReachable, with a sentence for each address that does not work.
    """
    checks: tuple[tuple[str, str | None, Callable[[str, str], None]], ...] = (
        ("DATABASE_URL", settings.given_database_url, check_postgres),
        ("MIGRATION_DATABASE_URL", settings.given_migration_database_url, check_postgres),
        ("REDIS_URL", settings.given_redis_url, check_redis),
    )
    faults = [_fault(check, name, url) for name, url, check in checks if url is not None]
    found = [fault for fault in faults if fault is not None]
    if found:
        # An unfit server stays unfit when the others answer.
        kind = ServerUnfit if any(isinstance(f, ServerUnfit) for f in found) else ServerNotReachable
        raise kind("\n".join(map(str, found)))


def check_postgres(name: str, url: str) -> None:
    """Raise ServerNotReachable when a URL does not lead to a database that takes writes."""
    try:
        link = postgres.open_postgres(url, connect_timeout=CONNECT_TIMEOUT_S)
        with link, link.cursor() as cursor:
            cursor.execute(READS_ONLY)
            (reads_only,) = cursor.fetchone() or (False,)
        link.close()
    except (psycopg2.Error, UnicodeError) as error:
        raise _not_reachable(name, postgres.without_secrets(url), error) from None
    if reads_only:
        raise ServerNotReachable(
            f"{name} ({postgres.without_secrets(url)}) leads to a server that only reads: name the "
            "primary, or all servers and target_session_attrs=read-write."
        )


def check_redis(name: str, url: str) -> None:
    """Raise ServerNotReachable when a URL does not lead to a Redis, ServerUnfit for a cluster."""
    limits = {"timeout_s": CONNECT_TIMEOUT_S, "connect_timeout_s": CONNECT_TIMEOUT_S}
    try:
        with redis.open_redis(url, **limits) as client:
            reason = redis.unfit(client)
    except (RedisError, OSError) as error:
        raise _not_reachable(name, redis.without_secrets(url), error) from None
    if reason is not None:
        raise ServerUnfit(f"{name} ({redis.without_secrets(url)}) leads to {reason}.")


def _fault(check: Callable[[str, str], None], name: str, url: str) -> ServerNotReachable | None:
    try:
        check(name, url)
    except ServerNotReachable as fault:
        return fault
    return None


def _not_reachable(name: str, shown: str, error: Exception) -> ServerNotReachable:
    reason = " ".join(str(error).split()).rstrip(".?")
    return ServerNotReachable(f"{name} ({shown}) does not work: {reason}.")
