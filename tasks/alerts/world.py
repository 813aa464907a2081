"""What alerts must know and PostgreSQL cannot tell: Redis's memory, the disk, how deep the queues are."""

from __future__ import annotations

import shutil
from typing import Any

import redis

from config import get_settings
from tasks.alerts.kind import World
from tasks.engine.database import Cursor
from tasks.engine.intake import accept
from tasks.engine.intake.doorbell import connect
from tasks.engine.once import once


def world(cursor: Cursor) -> World:
    """The world as this process sees it; what does not answer is not known."""
    cursor.execute("SELECT name FROM queue")
    queues = [row[0] for row in cursor.fetchall()]
    try:
        depths = {queue: accept.bell().waiting(queue) for queue in queues}
        redis_percent = _redis_percent(_client().info("memory"))
    except redis.RedisError:
        depths, redis_percent = {}, None
    return World(redis_percent, _disk_percent(), depths)


def _redis_percent(memory: Any) -> float | None:
    limit = int(memory.get("maxmemory", 0))
    return 100 * int(memory["used_memory"]) / limit if limit else None


def _disk_percent() -> float | None:
    try:
        usage = shutil.disk_usage(get_settings().var_path)
    except OSError:
        return None
    return 100 * usage.used / usage.total


@once
def _client() -> redis.Redis:
    return connect(get_settings().redis_url)
