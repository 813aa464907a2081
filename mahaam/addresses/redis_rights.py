"""What the product does in Redis: the rules of a user of its own, and whether a user may do it all."""

from __future__ import annotations

import redis
from redis.exceptions import NoPermissionError

# Each command in a form that changes nothing but one key of ours, which goes at the end.
CALLS: tuple[tuple[str, ...], ...] = (
    ("PING",),
    ("INFO", "server"),
    ("TIME",),
    ("ZADD", "KEY", "0", "x"),
    ("ZCARD", "KEY"),
    ("ZMSCORE", "KEY", "x"),
    ("ZRANGE", "KEY", "0", "0"),
    ("ZRANGEBYSCORE", "KEY", "0", "0"),
    ("ZRANDMEMBER", "KEY", "1"),
    ("ZSCAN", "KEY", "0"),
    ("ZPOPMIN", "KEY", "1"),
    ("ZADD", "KEY", "0", "x"),
    ("BZPOPMIN", "KEY", "1"),
    ("ZREM", "KEY", "x"),
    ("ZREMRANGEBYSCORE", "KEY", "0", "0"),
    ("SET", "KEY", "1", "PX", "1000"),
    ("GET", "KEY"),
    ("MGET", "KEY"),
    ("INCRBY", "KEY", "1"),
    ("EXISTS", "KEY"),
    ("EXPIRE", "KEY", "1"),
    ("PEXPIRE", "KEY", "1000"),
    ("DEL", "KEY"),
    ("SCAN", "0", "COUNT", "1"),
    ("PUBLISH", "KEY", ""),
    ("EVAL", "return 1", "0"),
    ("EVALSHA", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db", "0"),  # of "return 1"
    ("SCRIPT LOAD", "return 1"),
)
# Those of a connection: what redis-py says when it opens one, transactions, and listening.
OF_CONNECTIONS = (
    "HELLO", "AUTH", "SELECT", "CLIENT|SETINFO", "CLIENT|SETNAME", "MULTI", "EXEC", "DISCARD",
    "SUBSCRIBE", "UNSUBSCRIBE",
)  # fmt: skip


def rules(user: str, prefix: str) -> str:
    """Return the line of an ACL file for a user who may do what the product does, on its keys alone."""
    names = dict.fromkeys(call[0].replace(" ", "|") for call in CALLS)
    commands = " ".join(f"+{name.lower()}" for name in (*names, *OF_CONNECTIONS))
    return (
        f"user {user} on >PASSWORD resetkeys ~{prefix}:* resetchannels &{prefix}:* -@all {commands}"
    )


def refused(client: redis.Redis, prefix: str) -> list[str]:
    """Return the commands of the product that the client's user may not do on the product's keys.

    Raises redis.RedisError when Redis does not answer.
    """
    key = f"{prefix}:rights"
    return [call[0] for call in CALLS if not _may(client, [w.replace("KEY", key) for w in call])]


def _may(client: redis.Redis, call: list[str]) -> bool:
    try:
        client.execute_command(*call)  # type: ignore[no-untyped-call]
    except NoPermissionError:
        return False
    return True
