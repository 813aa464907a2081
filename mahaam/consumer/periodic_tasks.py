"""The firing of periodic tasks with a function of their own, which no schedule can express."""

from __future__ import annotations

import time
from datetime import datetime
from functools import partial

from huey.api import Task

from mahaam.consumer.cycle.signal_sender import SignalSender
from mahaam.enqueuing import accept, known_queues
from mahaam.huey_adapter.durable_huey import MahaamHuey
from mahaam.huey_adapter.tasks.message import new_job_of
from mahaam.huey_adapter.tasks.naive_times import naive
from mahaam.jobs.follow_ups import FollowUp
from mahaam.postgres.database import Cursor
from mahaam.postgres.reconnecting import ReconnectingConnection
from mahaam.schedules import periodic_store
from mahaam.schedules.rules import declared
from mahaam.set_aside import isolate

LOOK_EVERY_S = 1.0


class Periodic:
    """The periodic tasks of one consumer. A minute in which no consumer looked is not made up for."""

    def __init__(
        self, huey: MahaamHuey, link: ReconnectingConnection, signal_sender: SignalSender
    ) -> None:
        self._huey = huey
        self._signal_sender = signal_sender
        self._link = link
        self._look_at = 0.0
        self._minute: datetime | None = None  # the last one that was handled

    def look(self) -> None:
        """Enqueue due tasks, unless that was done less than a second ago. Raises ConnectionBroken."""
        now = time.monotonic()
        if now < self._look_at or not self._huey._registry.periodic_tasks:
            return
        self._look_at = now + LOOK_EVERY_S
        minute = self._link.run(periodic_store.this_minute)
        if minute != self._minute:
            self._fire(minute)
            self._minute = minute

    def _fire(self, minute: datetime) -> None:
        utc = self._huey.utc
        looks = {
            path_of(task): partial(self._follow_up, task=task, moment=naive(minute, utc=utc))
            for task in self._huey._registry.periodic_tasks
            if not declared.of_task(path_of(task))  # a task with a crontab is a schedule
        }
        wanted = [found for found in isolate.each(self._link.run, "periodic tasks", looks) if found]
        if not wanted:
            return
        made = self._link.run(
            partial(periodic_store.fire, minute=minute, wanted=wanted), atomic=True
        )
        accept.ring([notice for notice in made.values() if notice])
        self._signal_sender.enqueued(sorted(made))

    def _follow_up(
        self, _cursor: Cursor, *, task: Task, moment: datetime | None
    ) -> FollowUp | None:
        """Return the job of a task if it is due at `moment`, else None. Its function may raise anything."""
        if not task.validate_datetime(moment):
            return None
        job = new_job_of(task, utc=self._huey.utc)
        known_queues.check(job.queue)
        return FollowUp(job, accept.call(task.id, task.args, task.kwargs))


def path_of(task: Task) -> str:
    """Return the name of a task in rows."""
    kind = type(task)
    return f"{kind.__module__}.{kind.__name__}"
