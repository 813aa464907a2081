"""A plain Huey task without gevent, for whoever enqueues."""

from __future__ import annotations

import os

from huey import PriorityRedisHuey

huey = PriorityRedisHuey("plain", url=os.environ["REDIS_URL"])


@huey.task()
def noop(value: object = None) -> None:
    """Do nothing."""


durable_huey = PriorityRedisHuey("durable", url=os.environ["DURABLE_REDIS_URL"])


@durable_huey.task()
def durable(value: object = None) -> None:
    """Do nothing; a Redis keeps the message that confirms nothing before the disk has."""
