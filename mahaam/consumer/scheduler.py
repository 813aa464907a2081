"""The scheduler, which queues delayed jobs, retries, schedules and periodic tasks that are due."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

import redis
from huey.consumer import Scheduler

from mahaam.config import get_settings
from mahaam.consumer.cycle.signal_sender import SignalSender
from mahaam.consumer.periodic_tasks import Periodic
from mahaam.consumer.schedule_loop import ScheduleLoop
from mahaam.core.liveness import Liveness, get_on
from mahaam.core.log_throttle import redis_away
from mahaam.jobs.notice import Notice
from mahaam.postgres.reconnecting import ConnectionBroken, ReconnectingConnection
from mahaam.set_aside import isolate
from mahaam.store import due

log = logging.getLogger("mahaam.scheduler")

LIMIT = 1000
PAUSE_S = 0.5


class DueScheduler(Scheduler):  # type: ignore[misc]  # Huey has no types
    """Huey's scheduler, reading rows instead of a sorted set."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._link = ReconnectingConnection("mahaam scheduler", timeout_s=10)
        self._signal_sender = SignalSender(self.huey.tell)
        self._periodic = Periodic(self.huey, self._link, self._signal_sender)
        self._schedule_loop = ScheduleLoop(self._link, self._signal_sender)
        self.liveness = Liveness()
        self._interval_s = get_settings().scheduler_interval_ms / 1000

    def initialize(self) -> None:
        """Record signs of life of this greenlet from now on."""
        self.liveness.begin()

    def loop(self, now: Any = None) -> None:
        """Queue due jobs and ring for them, then wait for one interval."""
        get_on()
        try:
            notices = self._due()
            self.huey.storage.doorbell.ring(notices)
            self._signal_sender.enqueued([notice.id for notice in notices])
            if self.periodic:
                self._schedule_loop.look()
                self._periodic.look()
        except ConnectionBroken:
            self.stop_flag.wait(PAUSE_S)
        except redis.RedisError as fault:
            redis_away.warn("Redis is away; due jobs are rung later. fault=%s", fault)
        except Exception:
            log.exception("Looking for due jobs failed; trying again.")
            self.stop_flag.wait(PAUSE_S)
        else:
            if len(notices) < LIMIT:
                self.stop_flag.wait(self._interval_s)

    def _due(self) -> list[Notice]:
        """Queue due jobs. Return the notices to ring."""
        parts = isolate.handle(
            self._link.run,
            "due",
            partial(due.make_due, limit=LIMIT),
            find=partial(due.find_due, limit=LIMIT),
        )
        return [notice for part in parts for notice in part]
