"""The lock of the consumer that replays whole queues, and the mark that Redis has its memory."""

from __future__ import annotations

import os
from uuid import uuid4

import redis

LOCK_S = 5.0  # the holder renews the lock much more often

# KEYS: the lock. ARGV: the token, ms.
KEEP = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""

# KEYS: the lock, the mark. ARGV: the token, whether everything was rung. A missing lock was lost with
# Redis's memory, or another consumer has it: then some of the rung notices may be missing.
END = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '1' then redis.call('SET', KEYS[2], '1') end
return redis.call('DEL', KEYS[1])
"""


class ReplayLock:
    """A lock that expires, so that one consumer rings, and the mark that it sets when all is rung.

    Every method raises redis.RedisError when Redis is away.
    """

    def __init__(self, client: redis.Redis, prefix: str) -> None:
        self._client = client
        self._lock = f"{prefix}:ringing"
        self._mark = f"{prefix}:memory"
        self._token = f"{os.getpid()}-{uuid4().hex}"

    def has_memory(self) -> bool:
        """Return True if everything was rung since Redis was empty."""
        return bool(self._client.exists(self._mark))

    def begin(self) -> bool:
        """Take the lock. Return False if another consumer has it."""
        return bool(self._client.set(self._lock, self._token, nx=True, px=int(LOCK_S * 1000)))

    def go_on(self) -> bool:
        """Renew the lock. Return False if it is lost."""
        return bool(self._client.eval(KEEP, 1, self._lock, self._token, int(LOCK_S * 1000)))

    def end(self, *, all_rung: bool) -> bool:
        """Release the lock; with `all_rung`, set the mark. Return False if the lock was lost."""
        arguments = (self._lock, self._mark, self._token, int(all_rung))
        return bool(self._client.eval(END, 2, *arguments))
