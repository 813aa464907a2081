"""Makes delayed jobs, retries, schedules and periodic tasks run when their time has come."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

import redis
from huey.consumer import Scheduler

from config import get_settings
from tasks.engine import aside
from tasks.engine.complaint import redis_away
from tasks.engine.consumer.clockwork import Clockwork
from tasks.engine.consumer.news import News
from tasks.engine.consumer.periodic import Periodic
from tasks.engine.link import Link, LinkBroken
from tasks.engine.liveness import Liveness, get_on
from tasks.engine.ring import Ring
from tasks.engine.store import due

log = logging.getLogger("mahaam.scheduler")

LIMIT = 1000
PAUSE_S = 0.5


class DueScheduler(Scheduler):  # type: ignore[misc]  # Huey has no types
    """Huey's scheduler, which looks at rows instead of a sorted set."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._link = Link("mahaam scheduler", timeout_s=10)
        self._news = News(self.huey.tell)
        self._periodic = Periodic(self.huey, self._link, self._news)
        self._clockwork = Clockwork(self._link, self._news)
        self.liveness = Liveness()
        self._interval_s = get_settings().scheduler_interval_ms / 1000

    def initialize(self) -> None:
        """Say from now on when it has got on."""
        self.liveness.begin()

    def loop(self, now: Any = None) -> None:
        """Queue and ring what is due, then wait for one interval."""
        get_on()
        try:
            rings = self._due()
            self.huey.storage.doorbell.ring(rings)
            self._news.enqueued([ring.id for ring in rings])
            if self.periodic:
                self._clockwork.look()
                self._periodic.look()
        except LinkBroken:
            self.stop_flag.wait(PAUSE_S)
        except redis.RedisError as fault:
            redis_away.say("Redis is away; due jobs are rung later. fault=%s", fault)
        except Exception:
            log.exception("Looking for due jobs failed; trying again.")
            self.stop_flag.wait(PAUSE_S)
        else:
            if len(rings) < LIMIT:
                self.stop_flag.wait(self._interval_s)

    def _due(self) -> list[Ring]:
        """Queue what is due; what to ring for."""
        parts = aside.handle(
            self._link.run,
            "due",
            partial(due.make_due, limit=LIMIT),
            find=partial(due.find_due, limit=LIMIT),
        )
        return [ring for part in parts for ring in part]
