"""One of the consumer's greenlets: takes a started job, has Huey run it, finishes its slot."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gevent
from huey.consumer import Worker

from mahaam.core.errors import MahaamError, TaskStopped, UnknownTask
from mahaam.huey_adapter.tasks import safe_call
from mahaam.jobs import task_registry
from mahaam.run.log_buffer import said
from mahaam.run.streams import Streams
from mahaam.workers.freeze.job_table import FreezeRow

if TYPE_CHECKING:
    from mahaam.consumer.cycle.slots import Slots
    from mahaam.consumer.cycle.unknown_tasks import UnknownTaskJobs
    from mahaam.run.run import Run

log = logging.getLogger("mahaam.worker")


class DurableWorker(Worker):  # type: ignore[misc]  # Huey has no types
    """Huey's worker, fed by the dispatcher instead of by Redis."""

    slots: Slots
    streams: Streams
    slot: FreezeRow
    unknown_jobs: UnknownTaskJobs

    def in_slot(self, slot: FreezeRow) -> None:
        """Run jobs in a slot that other processes can identify in a stack dump if this one is frozen."""
        self.slot = slot
        self._run_here: Callable[[DurableWorker, Run], None] = slot.named(DurableWorker._run)

    def initialize(self) -> None:
        """Call the users' startup hooks."""
        for name, hook in self.huey._startup.items():
            safe_call.call(hook, what=f'startup hook "{name}" failed', patience=self.huey.patience)

    def shutdown(self) -> None:
        """Call the users' shutdown hooks."""
        for name, hook in self.huey._shutdown.items():
            safe_call.call(hook, what=f'shutdown hook "{name}" failed', patience=self.huey.patience)

    def loop(self, now: Any = None) -> None:
        """Run one job, if there is one."""
        try:
            run = self.slots.take()
        except KeyboardInterrupt:  # meant for a job that has just ended
            return
        if run is not None:
            run.greenlet = gevent.getcurrent()
            self.slot.take(run.claim.id)
            try:
                self._run_here(self, run)
            except KeyboardInterrupt:  # it came between the task's return and the end of its run
                run.interrupted()
            except TaskStopped:  # before the task began, in a hook for one
                run.stopped()
            except BaseException as fault:  # this greenlet goes on after any fault
                run.exception = fault
                log.exception("A run ended in an unexpected way. job=%s", run.claim.id)
            finally:
                run.greenlet = None
                if run.lines_left_out:
                    said.end(run)
                self.streams.mend(run, is_alone=self.slots.is_single)
                run.settle()  # here, where code of users' objects does no harm
                run.let_go()
                self.slot.leave()
                self.slots.finish(run)

    def _run(self, run: Run) -> None:
        try:
            task = self.huey.task_of(run)
        except UnknownTask as error:
            self.unknown_jobs.meet(run, error, is_own=task_registry.find(run.claim.task) is None)
        except MahaamError as error:
            run.end_without_running(error)
        else:
            self.huey.carry_out(task)
