"""Whether the port is free, and the servers named in the configuration take us."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import psycopg2
import redis
from redis.exceptions import RedisError

from launch.faults import PortTaken, ServerNotReachable

CONNECT_TIMEOUT_S = 5


def check_port(host: str, port: int) -> None:
    """Raises PortTaken when the web server could not listen there."""
    try:
        family, kind, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise PortTaken(
            f"Cannot listen on {host}:{port} ({error.strerror}): "
            "stop what uses it, or set HOST or PORT."
        ) from None


def check_postgres(url: str) -> None:
    """Raises ServerNotReachable when DATABASE_URL does not lead to a database."""
    try:
        psycopg2.connect(url, connect_timeout=CONNECT_TIMEOUT_S).close()
    except (psycopg2.Error, UnicodeError) as error:
        raise _not_reachable("DATABASE_URL", url, error) from None


def check_redis(url: str) -> None:
    """Raises ServerNotReachable when REDIS_URL does not lead to a Redis."""
    try:
        with redis.Redis.from_url(
            url, socket_connect_timeout=CONNECT_TIMEOUT_S, socket_timeout=CONNECT_TIMEOUT_S
        ) as client:
            client.ping()
    except (RedisError, ValueError) as error:
        raise _not_reachable("REDIS_URL", url, error) from None


def _not_reachable(name: str, url: str, error: Exception) -> ServerNotReachable:
    reason = " ".join(str(error).split()).rstrip(".?")
    return ServerNotReachable(f"{name} ({_without_password(url)}) does not work: {reason}.")


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    _, _, place = parts.netloc.rpartition("@")
    return f"{parts.scheme}://{place}{parts.path}"
