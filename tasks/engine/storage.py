"""What Huey asks of Redis: a doorbell for jobs, and its own keys and values."""

from __future__ import annotations

import logging
import time
from typing import Any

import redis
from huey.storage import PriorityRedisStorage

from config import get_settings
from tasks.engine import doorbell, results
from tasks.engine.complaint import Complaint
from tasks.engine.doorbell import Doorbell

redis_away = Complaint(logging.getLogger("mahaam.storage"), every_s=10.0)

CHECK_EVERY_S = 1.0


class DoorbellStorage(PriorityRedisStorage):  # type: ignore[misc]  # Huey has no types
    """Huey's storage with ids instead of messages, one sorted set per queue."""

    def __init__(self, name: str, url: str, **options: Any) -> None:
        client = doorbell.connect(url)
        super().__init__(name, connection_pool=client.connection_pool, **options)
        self.doorbell = Doorbell(client, get_settings().redis_prefix)
        self._holds_data = True
        self._next_check_at = 0.0

    def holds_data(self) -> bool:
        """Whether Redis holds any revocation, lock or other value; a second old at most.

        Huey asks for revocations before and after each task. While there is nothing to find, the
        two round trips are not made.
        """
        now = time.monotonic()
        if now >= self._next_check_at:
            self._next_check_at = now + CHECK_EVERY_S
            try:
                self._holds_data = bool(self.conn.hlen(self.result_key))
            except redis.RedisError as fault:
                redis_away.say("Redis is away; no revocation is seen. fault=%s", fault)
                self._holds_data = False
        return self._holds_data

    def put_data(self, key: str, value: Any, is_result: bool = False) -> None:
        """Store a value of Huey's own."""
        self._holds_data = True
        super().put_data(key, value, is_result)

    def has_data_for_key(self, key: str) -> bool:
        """Whether a job has ended, or a key of Huey's own exists."""
        if results.is_job_id(key):
            return results.is_ready(key)
        return bool(super().has_data_for_key(key))
