"""The duties that any consumer does for all: rescue jobs, ring lost notices, read queue configs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from mahaam.config import get_settings
from mahaam.consumer.cycle.dispatcher import Dispatcher
from mahaam.consumer.maintenance.duties import TICK_S, Duty
from mahaam.consumer.maintenance.failover import Failover
from mahaam.consumer.maintenance.lost_notices import LostNotices
from mahaam.consumer.maintenance.mask_walker import MaskWalker
from mahaam.consumer.maintenance.pruner import pruners
from mahaam.consumer.maintenance.stop_requests import StopRequests
from mahaam.consumer.maintenance.worker_requests import WorkerRequests
from mahaam.core.errors import WorkerCrashed
from mahaam.core.log_throttle import cause
from mahaam.doorbell.doorbell import Doorbell, private_line
from mahaam.doorbell.replay_lock import ReplayLock
from mahaam.failures import groups_store
from mahaam.huey_adapter.cpu.process_pool import pool
from mahaam.jobs.outcome import Failure
from mahaam.live_settings import current
from mahaam.logs import log_setup
from mahaam.metrics import store as metrics_store
from mahaam.postgres.database import Cursor
from mahaam.postgres.reconnecting import REFUSALS, ReconnectingConnection
from mahaam.queries import queue_configs
from mahaam.queries.queue_configs import QueueConfig
from mahaam.run.hooks import hooks
from mahaam.schedules import fires_store, periodic_store
from mahaam.set_aside import isolate
from mahaam.set_aside import store as set_aside_store
from mahaam.set_aside.isolate import RowKeys, RowWork
from mahaam.store import chords, locks, unknown_tasks, values
from mahaam.store.actions import pauses, triage
from mahaam.workers import store as workers_store

log = logging.getLogger("mahaam.maintenance")

T = TypeVar("T")

RETIRE_EVERY_S = 5.0
SAMPLE_EVERY_S = 10.0
ADD_UP_MINUTES_EVERY_S = 5.0
ADD_UP_PERIODS_EVERY_S = 60.0
FORGET_VALUES_EVERY_S = 30.0
FORGET_FIRES_EVERY_S, FIRES_AT_ONCE = 10.0, 1000
FORGET_EVERY_S = 3600.0
TRIAGE_EVERY_S = 1.0
FAILURES_AT_ONCE, LETTERS_AT_ONCE = 20_000, 2_000
GATHERED_AT_ONCE = 3


class MaintenanceLoop:
    """Small duties, each with its own interval, on one connection."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        doorbell: Doorbell,
        ringing: ReplayLock,
        *,
        queues: list[str],
        stops: StopRequests,
        requests: WorkerRequests,
    ) -> None:
        self._settings = get_settings()
        self._dispatcher = dispatcher
        self._doorbell = doorbell
        self._queues = queues
        self._stops = stops
        self._requests = requests
        self._link = ReconnectingConnection("mahaam maintenance", timeout_s=10)
        self._notices = LostNotices(doorbell, ringing, grace_s=self._settings.ring_grace_s)
        self._failover = Failover(self._link, doorbell, dispatcher.unclaimed)
        self._pruners = pruners()
        self._mask_walker = MaskWalker()
        self._letters_seen = 0
        self.duties = [  # name, every so many seconds, within so many seconds, work
            Duty("read queues", self._settings.queue_refresh_s, 2.0, self.read_lines),
            Duty("read settings", 1.0, 1.0, self._read_settings),
            Duty("end pauses", 1.0, 5.0, self._end_pauses),
            Duty("stop jobs", 0.5, 1.0, self._look_for_stops),
            Duty("worker requests", 1.0, 1.0, self._look_for_requests),
            Duty("rescue", self._settings.rescue_interval_s, 5.0, self._rescue),
            Duty("find lost notices", 1.0, 2.0, self._look_for_lost_notices),
            Duty("ring lost notices", TICK_S, 2.0, self._ring_lost_notices),
            Duty("failover", 1.0, 5.0, self._failover.look),
            Duty("prune", TICK_S, 2.0, self._prune),
            Duty("hide secrets", 1.0, 2.0, self._hide_secrets),
            Duty("retire processes", RETIRE_EVERY_S, 1.0, pool.retire),
            Duty("sample ages", SAMPLE_EVERY_S, 2.0, self._sample_ages),
            Duty("add up minutes", ADD_UP_MINUTES_EVERY_S, 5.0, self._add_up_minutes),
            Duty("add up periods", ADD_UP_PERIODS_EVERY_S, 5.0, self._add_up_periods),
            Duty("forget values", FORGET_VALUES_EVERY_S, 5.0, self._forget_values),
            Duty("forget fires", FORGET_FIRES_EVERY_S, 5.0, self._forget_fires),
            Duty("gather failures", TRIAGE_EVERY_S, 10.0, self._gather_failures),
            Duty("end ignoring", TRIAGE_EVERY_S, 2.0, self._end_ignoring),
            Duty("close dead letters", TRIAGE_EVERY_S, 5.0, self._close_letters),
            Duty("learn what is set aside", 1.0, 1.0, self._learn_what_is_aside),
            Duty("forget", FORGET_EVERY_S, 10.0, self._forget),
            Duty("restore log", 1.0, 1.0, self._restore_log),
        ]

    def read_lines(self) -> None:
        """Read the queue configs and the pauses from the tables."""
        found = self._link.run(queue_configs.lines)
        if self._queues:
            # The order of the command line is their rank here: so no two have the same rank.
            place = {name: number for number, name in enumerate(self._queues)}
            found = sorted(
                (line._replace(rank=place[line.name]) for line in found if line.name in place),
                key=lambda line: line.rank,
            )
        self._dispatcher.fetcher.lines = [self._private_line(found), *found]
        self._dispatcher.paused = tuple(self._link.run(queue_configs.paused_tasks))

    def _private_line(self, others: list[QueueConfig]) -> QueueConfig:
        """Return the queue of jobs passed on to this worker. It is paused if any queue is paused."""
        name = private_line(self._dispatcher.lease.worker_id)
        is_paused = any(line.paused for line in others)
        return QueueConfig(
            name, rank=-1, weight=100, rate_limit=None, rate_period_s=None, paused=is_paused
        )

    def is_empty(self) -> bool:
        """Return True if no job is queued in the queues served here."""
        return not self._link.run(lambda cursor: queue_configs.waiting(cursor, self._queues))

    def _read_settings(self) -> None:
        current.learn(self._link.run(current.changed_values))

    def _look_for_requests(self) -> None:
        self._requests.look(self._link)

    def _end_pauses(self) -> None:
        """Queue the held jobs of pauses that are over."""
        parts = self._handle("pauses", pauses.end_pauses, find=pauses.find_held)
        if held := [notice for part in parts for notice in part]:
            self._doorbell.ring(held)
            log.info("A pause is over; held jobs are queued again. jobs=%s", len(held))

    def _look_for_stops(self) -> None:
        self._stops.look(self._link, self._dispatcher.lease.worker_id)

    def _rescue(self) -> None:
        """Give up workers whose lease is over, then take their jobs."""
        if not self._dispatcher.lease.is_valid():
            return
        for id_, host, pid, until in self._link.run(
            lambda cursor: workers_store.give_up(cursor, lease_s=self._settings.lease_s)
        ):
            log.error(
                "Worker lost. worker=%s host=%s pid=%s lease_until=%s", id_, host, pid, until,
                extra=cause(id_),
            )  # fmt: skip
        failure = Failure.told(WorkerCrashed())
        rescue = partial(
            workers_store.rescue,
            rescuer=self._dispatcher.lease.worker_id,
            max_crashes=self._settings.max_crashes,
            error_class=failure.error_class,
            message=failure.message,
            fingerprint=failure.fingerprint,
        )
        for rescued, notices in self._handle("rescue", rescue, find=workers_store.find_orphans):
            for job in rescued:
                self._announce(job)
                hooks.crashed(job, failure.line)
            self._doorbell.ring(notices)

    def _announce(self, job: workers_store.Rescued) -> None:
        if job.state == "failed":
            log.critical(
                "Job failed for good: it ended its worker again and again; see the dead letters. "
                "job=%s task=%s queue=%s crashes=%s",
                job.id,
                job.task,
                job.queue,
                job.crash_count,
            )
        elif job.state == "cancelled":
            log.info(
                "Job ended with its worker, and was to stop. job=%s worker=%s",
                job.id,
                job.worker_id,
            )
        else:
            log.info(
                "Job rescued; it runs again. job=%s task=%s worker=%s crashes=%s",
                job.id,
                job.task,
                job.worker_id,
                job.crash_count,
            )

    def _look_for_lost_notices(self) -> None:
        served = [line.name for line in self._dispatcher.fetcher.lines]
        self._notices.look(self._link, served)

    def _ring_lost_notices(self) -> None:
        self._notices.step(self._link)

    def _sample_ages(self) -> None:
        self._link.run(metrics_store.sample_ages)

    def _add_up_minutes(self) -> None:
        self._handle("add up minutes", metrics_store.add_up_minutes, find=metrics_store.find_tasks)

    def _add_up_periods(self) -> None:
        self._handle("add up periods", metrics_store.add_up_periods, find=metrics_store.find_tasks)

    def _prune(self) -> None:
        for pruner in self._pruners:
            pruner.step(self._link)

    def _hide_secrets(self) -> None:
        self._mask_walker.walk(self._link)

    def _forget(self) -> None:
        days = current.value("retention_failed_days")
        for forget in (
            workers_store.prune,
            unknown_tasks.prune,
            chords.prune,
            metrics_store.prune,
            partial(groups_store.prune, days=days),
        ):
            self._alone(forget)
        # If somebody deleted a pause by hand, nothing else queues its held jobs.
        for part in self._handle("pauses", pauses.let_go, find=pauses.find_held):
            self._doorbell.ring(part)

    def _alone(self, forget: Callable[[Cursor], object]) -> None:
        """Delete the old rows of one table. A fault does not block the other tables."""
        try:
            self._link.run(forget)
        except REFUSALS:
            name = getattr(forget, "__module__", repr(forget))
            log.exception("Old rows cannot be deleted. table=%s", name, extra=cause(name))

    def _forget_fires(self) -> None:
        """Delete some of the old fires of schedules."""
        if days := current.value("retention_fires_days"):
            self._link.run(partial(fires_store.prune, days=days, limit=FIRES_AT_ONCE))

    def _gather_failures(self) -> None:
        """Gather failures into their error groups."""
        gather = partial(groups_store.gather, limit=FAILURES_AT_ONCE)
        find = partial(groups_store.find_failures, limit=FAILURES_AT_ONCE)
        for _ in range(GATHERED_AT_ONCE):  # the other duties wait meanwhile
            if FAILURES_AT_ONCE not in self._handle("error groups", gather, find=find):
                break

    def _end_ignoring(self) -> None:
        self._handle("ignored errors", groups_store.end_ignoring, find=groups_store.find_ignored)

    def _close_letters(self) -> None:
        """Close dead letters whose jobs were reprocessed and have completed."""
        seen, limit = self._letters_seen, LETTERS_AT_ONCE
        close = partial(triage.close_completed, after=seen, limit=limit)
        find = partial(triage.find_reprocessed, after=seen, limit=limit)
        parts = self._handle("dead letters", close, find=find)
        self._letters_seen = parts[0][1] if parts else 0

    def _handle(self, loop: str, work: RowWork[T], *, find: RowKeys) -> list[T]:
        """Do a batch, setting rows with faults aside. Return what its parts returned."""
        return isolate.handle(partial(self._link.run, atomic=True), loop, work, find=find)

    def _learn_what_is_aside(self) -> None:
        isolate.learn(self._link.run(set_aside_store.all_of_them))

    def _restore_log(self) -> None:
        """Restore our logging after a module of the user's has configured logging."""
        if log_setup.restore():
            log.info("Logging was set up by others; the consumer's own lines are written again.")

    def _forget_values(self) -> None:
        """Delete values, locks and periodic fires of Huey's API that are no longer needed."""
        for forget in (values.prune, locks.prune, periodic_store.prune):
            self._alone(forget)
