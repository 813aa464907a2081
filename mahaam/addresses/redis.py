"""The address of Redis, and the one way in which every part of the product opens it."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit

import redis
from redis.exceptions import NoPermissionError

SCHEMES = ("redis", "rediss", "unix")
# How a client speaks and waits is for each part of the product to say: with another encoding or
# another patience the URL of an application that shares the server would break it.
OURS = frozenset({
    "client_class", "connection_class", "decode_responses", "encoding", "encoding_errors",
    "health_check_interval", "legacy_responses", "max_connections", "parser_class", "protocol",
    "retry_on_error", "retry_on_timeout", "socket_connect_timeout", "socket_read_size",
    "socket_timeout", "timeout",
})  # fmt: skip
UNKNOWN_OPTION = re.compile(r"unexpected keyword argument '(\w+)'")
ENCODE = (
    "write each special character of user and password by its code, such as %40 for @, %2F for /, "
    "%3A for : and %25 for %"
)
CLUSTER = (
    "a Redis Cluster, whose nodes each hold some of the keys, while a doorbell needs all queues in one "
    "place: name a server without cluster_enabled. It holds ids alone, so a small one will do"
)
SENTINEL = "a Sentinel, which keeps no keys: name the server that it watches"
REPLICA = "a replica, which takes no writes: name the primary"


def redis_url(value: Any) -> str:
    """Return the URL without the options that are ours. Raises ValueError, which shows no secret."""
    url = str(value).strip()
    if url.split("://")[0] not in SCHEMES:
        raise ValueError("it must begin with redis://, rediss:// or unix://")
    _check_shape(_split(url))
    url = _without_our_options(url)
    _check_options(url)
    return url


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises ValueError
    except ValueError:  # whose message may quote the password
        raise ValueError(f"host or port cannot be read; {ENCODE}") from None
    return parts


def _check_shape(parts: SplitResult) -> None:
    """Refuse what redis-py would take for something else than was meant."""
    place = parts.netloc.rpartition("@")[2]
    is_socket = parts.scheme == "unix"
    if parts.fragment or "@" in parts.query or ("@" in parts.path and not is_socket):
        raise ValueError(f"a user or password holds a character that ends it; {ENCODE}")
    if is_socket and (place or not parts.path):
        raise ValueError("a socket is written with its whole path, as unix:///run/redis.sock")
    if "," in place:
        raise ValueError("it has several hosts, but Redis is one server here: name the primary")
    if not is_socket and not re.fullmatch(r"(/\d*)?", parts.path):
        raise ValueError("after the host comes the number of the database, such as /0")


def _without_our_options(url: str) -> str:
    address, _, query = url.partition("?")
    options = parse_qsl(query, keep_blank_values=True)
    kept = [(name, value) for name, value in options if name not in OURS]
    if kept == options:
        return url
    return f"{address}?{urlencode(kept, quote_via=quote)}" if kept else address


def _check_options(url: str) -> None:
    """Refuse now what redis-py refuses when it connects."""
    try:
        redis.ConnectionPool.from_url(url).make_connection()
    except TypeError as fault:
        unknown = UNKNOWN_OPTION.search(str(fault))
        what = f"has no option {unknown[1]}" if unknown else "has a wrong option"
        raise ValueError(f"a connection of {urlsplit(url).scheme}:// {what}") from None
    except redis.RedisError as fault:
        raise ValueError(str(fault)) from None


def without_secrets(url: str) -> str:
    """Return what may be shown of a URL: host and port, or the socket."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def open_redis(
    url: str, *, timeout_s: float, connect_timeout_s: float, **options: Any
) -> redis.Redis:
    """Return a client that connects when it is first used; its calls end after `timeout_s`."""
    keepalive = {} if url.startswith("unix:") else {"socket_keepalive": True}
    return redis.Redis.from_url(
        redis_url(url),
        socket_timeout=timeout_s,
        socket_connect_timeout=connect_timeout_s,
        **keepalive,
        **options,
    )


def unfit(client: redis.Redis) -> str | None:
    """Return why the server that answers is not one for a doorbell, if it is not.

    Raises redis.RedisError when it does not answer.
    """
    client.ping()
    try:
        facts = client.info()
    except NoPermissionError:  # a user who may not ask was made for this product by hand
        return None
    kinds = {
        CLUSTER: facts.get("cluster_enabled") == 1,
        SENTINEL: "sentinel" in (facts.get("redis_mode"), facts.get("server_mode")),
        REPLICA: facts.get("role") == "slave",
    }
    return next((sentence for sentence, is_one in kinds.items() if is_one), None)
