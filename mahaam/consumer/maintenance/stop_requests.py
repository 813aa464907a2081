"""The stopping of jobs on an operator's request: first by a flag, then by an interruption."""

from __future__ import annotations

import logging
import time
from functools import partial

import gevent

from mahaam.consumer.cycle.slots import Slots
from mahaam.core.errors import TaskStopped
from mahaam.live_settings import current
from mahaam.postgres.reconnecting import ReconnectingConnection
from mahaam.queries import stop_requests as queries
from mahaam.run.run import Run
from mahaam.store.actions import stops as store

log = logging.getLogger("mahaam.stop_requests")

AGAIN_S = 1.0  # at least, between interruptions of a task that catches them
CATCHES = "The task catches the interruption and goes on."


class StopRequests:
    """The jobs of one consumer that are to stop."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._noted: set[Run] = set()

    def look(self, link: ReconnectingConnection, worker_id: str) -> None:
        """Read which jobs are to stop, and record the tasks that catch it. Raises ConnectionBroken."""
        runs = self._slots.running()
        if not runs:
            return
        wanted = link.run(partial(queries.wanted, worker_id=worker_id))
        for run in runs:
            if run.claim.fence in wanted and not run.is_stopping:
                run.ask_to_stop(wanted[run.claim.fence])
                log.info("Job is to stop. job=%s by=%s", run.claim.id, run.stopped_by)
        self._note_stubborn(link, runs)

    def press(self) -> None:
        """Interrupt the tasks that did not stop in time, again after each further grace time."""
        for run in self._slots.running():
            if run.is_stopping and time.monotonic() >= self._patience_until(run):
                gevent.get_hub().loop.run_callback(_interrupt, run)

    def _patience_until(self, run: Run) -> float:
        grace_s = current.value("stop_grace_s")
        return float(run.stop_asked_at + grace_s + run.interruptions * max(grace_s, AGAIN_S))

    def _note_stubborn(self, link: ReconnectingConnection, runs: list[Run]) -> None:
        stubborn = {run for run in runs if run.interruptions > 1}
        new = [run.claim.fence for run in stubborn - self._noted]
        if new:
            link.run(partial(store.note, fences=new, note=CATCHES))
            for id_, _ in new:
                log.warning("%s job=%s", CATCHES, id_)
        self._noted = stubborn


def _interrupt(run: Run) -> None:
    """Throw TaskStopped into the task's greenlet, in the hub, so that none of its code runs in between."""
    if run.greenlet is not None and not run.ended:
        run.interruptions += 1
        run.greenlet.throw(TaskStopped(f"Stopped by {run.stopped_by}."))
