"""Values for alerts that PostgreSQL does not have: Redis's memory, the disk, the depths of the queues."""

from __future__ import annotations

import shutil
from typing import Any

import redis

from mahaam.alerts.rule_types.rule_type import Probes
from mahaam.config import get_settings
from mahaam.core.lazy import lazy
from mahaam.doorbell.doorbell import connect
from mahaam.enqueuing import accept
from mahaam.postgres.database import Cursor


def world(cursor: Cursor) -> Probes:
    """Return the probes as this process measures them; a value is None when its source does not answer."""
    cursor.execute("SELECT name FROM queue")
    queues = [row[0] for row in cursor.fetchall()]
    try:
        depths = {queue: accept.notice().waiting(queue) for queue in queues}
        redis_percent = _redis_percent(_client().info("memory"))
    except redis.RedisError:
        depths, redis_percent = {}, None
    return Probes(redis_percent, _disk_percent(), depths)


def _redis_percent(memory: Any) -> float | None:
    limit = int(memory.get("maxmemory", 0))
    return 100 * int(memory["used_memory"]) / limit if limit else None


def _disk_percent() -> float | None:
    try:
        usage = shutil.disk_usage(get_settings().var_path)
    except OSError:
        return None
    return 100 * usage.used / usage.total


@lazy
def _client() -> redis.Redis:
    return connect(get_settings().redis_url)
