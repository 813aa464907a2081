"""Limits failed logins against password guessing, counted for all processes together."""

from __future__ import annotations

import hashlib
import ipaddress
import logging
import time

from redis import RedisError

from mahaam.config import get_settings

from ..web.database import redis_client

WINDOW_S = 300
PER_ACCOUNT = 5  # failures from one address for one account
MOST_OWN_COUNTS = 10_000
IPV6_PREFIX = 64
PER_ADDRESS = 30  # failures from one address for any account
PER_ACCOUNT_ANYWHERE = 50  # failures for one account from any address
KNOWN_FOR_S = 30 * 24 * 3600  # how long an address from which the account was used is remembered

log = logging.getLogger(__name__)
_own_counts: dict[str, int] = {}  # only while Redis does not answer


def is_closed(address: str, email: str) -> bool:
    """Return True if so many logins have failed that the next one must not be checked."""
    limits = _keys(address, email)
    try:
        is_known, *counts = redis_client().mget([_known_key(address, email), *limits])
    except RedisError:
        is_known, counts = None, [str(_own_counts.get(key, 0)) for key in limits]
    if is_known:  # strangers who guess from many addresses must not lock the owner out
        del limits[_keyed(email)], counts[1]
    return any(
        int(count or 0) >= limit for count, limit in zip(counts, limits.values(), strict=True)
    )


def note_failure(address: str, email: str) -> None:
    """Count a wrong password."""
    for key in _keys(address, email):
        try:
            _count(key)
        except RedisError:
            # An operator must be able to log in while Redis is down, so this process counts by itself.
            log.warning("Failed login counted in this process only: Redis does not answer.")
            _count_here(key)


def forgive(address: str, email: str) -> None:
    """After a correct password, forget the failures from this address and remember the address."""
    key = next(iter(_keys(address, email)))
    _own_counts.pop(key, None)
    try:
        redis_client().delete(key)
        redis_client().set(_known_key(address, email), 1, ex=KNOWN_FOR_S)
    except RedisError:
        log.warning("Failed logins not forgotten: Redis does not answer.")


def _count(key: str) -> None:
    with redis_client().pipeline() as pipe:
        pipe.incr(key)
        pipe.expire(key, 2 * WINDOW_S)
        pipe.execute()


def _count_here(key: str) -> None:
    if len(_own_counts) >= MOST_OWN_COUNTS:
        _own_counts.clear()
    _own_counts[key] = _own_counts.get(key, 0) + 1


def _keys(address: str, email: str) -> dict[str, int]:
    """Return the counters of this window with their limits, first the account's from this address."""
    prefix = f"{_prefix()}:{_window()}:{_network(address)}"
    return {
        f"{prefix}:{_account(email)}": PER_ACCOUNT,
        _keyed(email): PER_ACCOUNT_ANYWHERE,
        prefix: PER_ADDRESS,
    }


def _keyed(email: str) -> str:
    return f"{_prefix()}:{_window()}:account:{_account(email)}"


def _known_key(address: str, email: str) -> str:
    return f"{_prefix()}:known:{_network(address)}:{_account(email)}"


def _account(email: str) -> str:
    return hashlib.sha256(email.strip().lower().encode("utf-8", "replace")).hexdigest()[:24]


def _network(address: str) -> str:
    """Return the address, or its network for IPv6, because one client has all addresses in a network."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if known.version == 4:
        return address
    return str(ipaddress.ip_network((known, IPV6_PREFIX), strict=False).network_address)


def _prefix() -> str:
    return f"{get_settings().redis_prefix}:login"


def _window() -> int:
    return int(time.time()) // WINDOW_S
