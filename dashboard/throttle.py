"""Slows down whoever guesses passwords, for all processes together."""

from __future__ import annotations

import hashlib
import logging
import time

from redis import RedisError

from config import get_settings
from dashboard.database import redis_client

WINDOW_S = 300
PER_ACCOUNT = 5  # failures from one address for one account
MOST_OWN_COUNTS = 10_000
PER_ADDRESS = 30  # failures from one address for any account

log = logging.getLogger(__name__)
_own_counts: dict[str, int] = {}  # only while Redis does not answer


def is_closed(address: str, email: str) -> bool:
    """Whether so many logins have failed that the next one is not even looked at."""
    limits = _keys(address, email)
    try:
        counts = redis_client().mget(list(limits))
    except RedisError:
        counts = [str(_own_counts.get(key, 0)) for key in limits]
    return any(
        int(count or 0) >= limit for count, limit in zip(counts, limits.values(), strict=True)
    )


def note_failure(address: str, email: str) -> None:
    """Count a wrong password."""
    for key in _keys(address, email):
        try:
            _count(key)
        except RedisError:
            # An operator must get in while Redis is down; this process counts by itself.
            log.warning("Failed login counted in this process only: Redis does not answer.")
            _count_here(key)


def forgive(address: str, email: str) -> None:
    """Forget the failures of this account after a right password."""
    key = next(iter(_keys(address, email)))
    _own_counts.pop(key, None)
    try:
        redis_client().delete(key)
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
    """The counters of this window with their limits, the account's first."""
    window = int(time.time()) // WINDOW_S
    account = hashlib.sha256(email.strip().lower().encode("utf-8", "replace")).hexdigest()[:24]
    prefix = f"{get_settings().redis_prefix}:login:{window}:{address}"
    return {f"{prefix}:{account}": PER_ACCOUNT, prefix: PER_ADDRESS}
