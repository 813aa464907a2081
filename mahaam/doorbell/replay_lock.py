"""Who rings for whole queues at this moment, and whether Redis has its memory."""

from __future__ import annotations

import os
from uuid import uuid4

import redis

LOCK_S = 5.0  # a ringer says so much more often that it is at work

# KEYS: the lock. ARGV: the token, ms.
KEEP = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""

# KEYS: the lock, the mark. ARGV: the token, whether everything was rung. A lock that is gone was
# lost with Redis's memory, or to somebody else: then not all that was rung is there.
END = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '1' then redis.call('SET', KEYS[2], '1') end
return redis.call('DEL', KEYS[1])
"""


class ReplayLock:
    """A lock that ends by itself, so that one consumer rings, and a mark that it leaves when all is rung.

    Every method raises redis.RedisError when Redis is away.
    """

    def __init__(self, client: redis.Redis, prefix: str) -> None:
        self._client = client
        self._lock = f"{prefix}:ringing"
        self._mark = f"{prefix}:memory"
        self._token = f"{os.getpid()}-{uuid4().hex}"

    def has_memory(self) -> bool:
        """Whether everything was rung since Redis was empty."""
        return bool(self._client.exists(self._mark))

    def begin(self) -> bool:
        """Become the one who rings. Return False if somebody else does."""
        return bool(self._client.set(self._lock, self._token, nx=True, px=int(LOCK_S * 1000)))

    def go_on(self) -> bool:
        """Stay the one who rings. Return False if that is over."""
        return bool(self._client.eval(KEEP, 1, self._lock, self._token, int(LOCK_S * 1000)))

    def end(self, *, all_rung: bool) -> bool:
        """Let others ring; with `all_rung`, mark that Redis has its memory. Return False as `go_on`."""
        arguments = (self._lock, self._mark, self._token, int(all_rung))
        return bool(self._client.eval(END, 2, *arguments))
