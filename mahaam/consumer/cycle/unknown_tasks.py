"""Unknown-task jobs of a consumer, which it leaves to workers that know the task."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from functools import partial

from mahaam.config import get_settings
from mahaam.core.errors import UnknownTask
from mahaam.core.log_throttle import cause
from mahaam.jobs.claim import Claim
from mahaam.jobs.outcome import Outcome
from mahaam.jobs.states import State
from mahaam.postgres.reconnecting import ReconnectingConnection
from mahaam.run.run import Run
from mahaam.store import unknown_tasks as store
from mahaam.store.unknown_tasks import UnknownTaskJob

log = logging.getLogger("mahaam.unknown_tasks")

DELAY_S, LONGEST_DELAY_S = 1.0, 10.0  # until a job whose task no worker knows is popped again
FOLLOWER_DELAY_S = 2.0
MOST = 10_000


class UnknownTaskJobs:
    """The tasks that this consumer has met and does not know.

    The first job of such a task is started here, because its task is known only then, and given back
    uncharged; the exchange starts no other job of the task.
    """

    def __init__(self) -> None:
        self._grace_s = get_settings().unknown_task_grace_s
        self._since: dict[str, float] = {}  # when a task was met
        self._condemned: dict[
            str, str
        ] = {}  # ids whose tasks no worker has known for too long, and these tasks
        self._followers: dict[str, float] = {}  # when a job was met whose next task is not known

    @property
    def tasks(self) -> tuple[str, ...]:
        """Return the tasks whose jobs the next cycle must not start."""
        if not self._since:
            return ()
        return tuple(self._since.keys() - self._condemned.values())

    def meet(self, run: Run, fault: UnknownTask, *, is_own: bool) -> None:
        """Set the end of a started job whose task, or the task of a follow-up, is not known here."""
        claim = run.claim
        if is_own and self._condemned.pop(claim.id, None) is None:
            self._since.setdefault(claim.task, time.monotonic())
            run.interrupted()
        elif is_own or self._has_waited(claim):
            run.end_without_running(UnknownTask(f"{fault} No live worker knows it."))
        else:
            run.outcome = Outcome(State.RETRYING, claim.retry_count, delay_s=FOLLOWER_DELAY_S)

    def leave(self, link: ReconnectingConnection, left: Sequence[str]) -> list[UnknownTaskJob]:
        """Handle the unknown-task jobs of `left`. Return those that others know or that must fail here."""
        for id_ in left:
            self._condemned.pop(id_, None)  # another worker has the job
        tasks = self.tasks
        if not tasks:
            return []
        find = partial(
            store.find,
            popped=left,
            tasks=tasks,
            grace_s=self._grace_s,
            delay_s=self._delay_s(tasks),
        )
        found = link.run(find, atomic=True)
        for unknown_job in found:
            self._say(unknown_job)
        self._condemned |= {
            unknown_job.id: unknown_job.task for unknown_job in found if unknown_job.is_over
        }
        return [
            unknown_job for unknown_job in found if unknown_job.worker_id or unknown_job.is_over
        ]

    def _delay_s(self, tasks: Sequence[str]) -> float:
        waited_s = time.monotonic() - max(self._since[task] for task in tasks)
        return min(LONGEST_DELAY_S, max(DELAY_S, waited_s / 4))

    def _has_waited(self, claim: Claim) -> bool:
        now = time.monotonic()
        if len(self._followers) > MOST:
            self._followers.clear()
        return now - self._followers.setdefault(claim.id, now) >= self._grace_s

    def _say(self, unknown_job: UnknownTaskJob) -> None:
        if not unknown_job.is_known:
            log.warning(
                "No live worker knows the task; its jobs wait for one, then fail. "
                "task=%s queue=%s grace_s=%g",
                unknown_job.task, unknown_job.queue, self._grace_s,
                extra=cause(unknown_job.task),
            )  # fmt: skip
