"""The seam to Huey: one Huey whose messages are rows and whose outcomes are noted, not stored.

Huey runs a task exactly as its documentation says, with its hooks, signals, pipelines and
time-outs. Where it would write to Redis, it tells the attempt (`Run`) instead; the dispatcher
writes the whole outcome in one transaction.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

import redis
from huey import PriorityRedisHuey, signals
from huey.api import ResultGroup, Task, chord, group

from config import get_settings
from tasks.engine import accept, results
from tasks.engine.chord import NewChord
from tasks.engine.cpu.guard import CpuGuard
from tasks.engine.durable_chords import DurableChords
from tasks.engine.errors import OptionNotValid
from tasks.engine.follows import Follows, FollowUp
from tasks.engine.guard import Guard
from tasks.engine.message import JsonSerializer, new_job_of, task_of
from tasks.engine.run import Run, current_id, current_run, enter
from tasks.engine.states import State
from tasks.engine.storage import DoorbellStorage
from tasks.engine.task import DurableTask, new_id

log = logging.getLogger("mahaam.seam")

# What these signals say about an attempt stands, whatever else happens to it.
FINAL_STATES = {
    signals.SIGNAL_INTERRUPTED: State.QUEUED,
    signals.SIGNAL_REVOKED: State.CANCELLED,
    signals.SIGNAL_EXPIRED: State.EXPIRED,
}


class MahaamHuey(DurableChords, PriorityRedisHuey):  # type: ignore[misc]  # Huey has no types
    """A Huey that keeps its jobs in PostgreSQL and rings Redis when one is to run."""

    storage_class = DoorbellStorage

    def __init__(self, name: str = "mahaam") -> None:
        self._storage: DoorbellStorage | None = None
        super().__init__(name, serializer=JsonSerializer(), store_none=False)

    # Redis is looked for when it is first needed: importing tasks needs no server.

    @property
    def storage(self) -> Any:
        """The doorbell, and Huey's keys and values."""
        if self._storage is None:
            self._storage = self.get_storage(url=get_settings().redis_url)
        return self._storage

    @storage.setter
    def storage(self, storage: Any) -> None:
        self._storage = storage

    def create_storage(self) -> Any:
        """Nothing yet, but in immediate mode."""
        return super().create_storage() if self._immediate else None

    def get_task_wrapper_class(self) -> type[DurableTask]:
        """The class that `@task` makes."""
        return DurableTask

    def task(
        self,
        retries: int | None = None,
        retry_delay: float | None = None,
        retry_backoff: float | None = None,
        priority: int | None = None,
        context: bool = False,
        name: str | None = None,
        expires: Any = None,
        timeout: float | None = None,
        *,
        max_retries: int | None = None,
        queue: str = "default",
        retry_jitter: bool | None = None,
        tags: tuple[str, ...] | None = None,
        remove_on_complete: bool = False,
        remove_on_fail: bool = False,
        cpu_bound: bool = False,
        **settings: Any,
    ) -> Callable[[Callable[..., Any]], DurableTask]:
        """Make a task of a function; delays in seconds, what is None comes from the settings."""
        defaults = get_settings()
        given = max_retries if max_retries is not None else retries
        decorate = super().task(
            retries=_or(given, defaults.default_max_retries),
            retry_delay=_or(retry_delay, defaults.default_retry_delay_s),
            retry_backoff=_or(retry_backoff, defaults.default_retry_backoff),
            priority=_or(priority, 0),
            context=context,
            name=name,
            expires=expires,
            timeout=timeout,
            default_queue=queue,
            default_retry_jitter=_or(retry_jitter, defaults.retry_jitter),
            default_tags=tags,
            default_remove_on_complete=remove_on_complete,
            default_remove_on_fail=remove_on_fail,
            cpu_bound=cpu_bound,
            **settings,
        )

        def checked(function: Callable[..., Any]) -> DurableTask:
            made: DurableTask = decorate(function)
            try:
                new_job_of(made.task_class())
            except OptionNotValid:
                made.unregister()
                raise
            return made

        return checked

    def enqueue(self, task: Any) -> Any:
        """Accept a job: its row is committed, then Redis is rung.

        Inside a task that has just ended (a pipeline's next task, an error handler) the row is
        left to the transaction that writes the outcome.
        """
        if self._immediate or isinstance(task, (group, chord)):
            return super().enqueue(task)
        self._accept(Follows([self._follow_up(task)], replacements=self.replacements(task)))
        if not self.results:
            return None
        results = self._pipeline_results(task)
        return ResultGroup(results) if len(results) > 1 else results[0]

    def enqueue_together(self, tasks: list[Task], chords: list[NewChord]) -> None:
        """Accept the jobs of tasks and the chords that they belong to, all of them or none."""
        self._accept(Follows([self._follow_up(task) for task in tasks], chords))

    def _accept(self, follows: Follows) -> None:
        """Now, or with the outcome of the task that has just ended here."""
        run = current_run()
        if run is not None and run.ended:
            run.follows.add(follows)
        else:
            accept.together(follows)

    def _follow_up(self, task: Task) -> FollowUp:
        """What is to be inserted for a task, which Huey's signal announces."""
        if task.expires:
            task.resolve_expires(self.utc)
        self._emit(signals.SIGNAL_ENQUEUED, task)
        args, id_ = task.args, task.id
        if any(isinstance(arg, BaseException) for arg in args):  # an error handler, once per error
            args, id_ = tuple(_told(arg) for arg in args), new_id()
        job = new_job_of(task, parent_id=current_id())
        return FollowUp(job, accept.call(id_, args, task.kwargs))

    def execute(self, task: Task, timestamp: datetime | None = None) -> Any:
        """Run a started job to its outcome, which is noted in its `Run`."""
        run: Run | None = getattr(task, "run", None)
        if run is None:
            return super().execute(task, timestamp)
        enter(run)
        try:
            super().execute(task, timestamp)
        except Exception as fault:  # a follow-up that cannot be stored, for one
            run.exception = run.exception or fault
            log.exception("The end of a task failed. job=%s", run.claim.id)
        finally:
            enter(None)
        return None

    # What Huey says while it runs a task.

    def _timeout_context(self, task: Task) -> Any:
        run = getattr(task, "run", None)
        if run is None:
            return super()._timeout_context(task)
        return (CpuGuard if task.cpu_bound else Guard)(run, task.timeout)

    def _run_post_execute(
        self, task: Task, task_value: Any, exception: BaseException | None
    ) -> None:
        run = current_run()
        if run is not None:
            run.value, run.exception, run.told = task_value, exception, True
        super()._run_post_execute(task, task_value, exception)

    def _requeue_task(
        self, task: Task, timestamp: datetime, retry_eta: datetime | None = None
    ) -> None:
        run = current_run()
        if run is None:
            super()._requeue_task(task, timestamp, retry_eta)
            return
        run.retrying = True
        run.remaining_retries = task.retries - 1
        if retry_eta is not None:
            run.retry_in_s = max(0.0, (retry_eta - timestamp).total_seconds())

    def _emit(self, signal: str, task: Task, *args: Any, **kwargs: Any) -> None:
        run = current_run()
        if run is not None and task.id == run.claim.id:
            self._note(run, signal)
        super()._emit(signal, task, *args, **kwargs)

    def _note(self, run: Run, signal: str) -> None:
        if signal in FINAL_STATES:
            run.final_state = FINAL_STATES[signal]
        elif signal == signals.SIGNAL_CANCELED and not run.ended:  # cancelled by a pre-execute hook
            run.final_state = State.CANCELLED

    # Results live in the job's row; revocations stay in Redis and cost nothing while there are none.

    def put_result(self, key: str, data: Any) -> Any:
        """Nothing for a job, whose result is part of its outcome."""
        return None if results.is_job_id(key) else super().put_result(key, data)

    def get_raw(self, key: str, peek: bool = False) -> Any:
        """A job's outcome from its row, anything else from Redis."""
        return results.raw(key) if results.is_job_id(key) else super().get_raw(key, peek)

    def delete(self, key: str) -> Any:
        """Delete a key of Redis, if there is any."""
        run = current_run()
        if run is None or key != f"r:{run.claim.id}":
            return super().delete(key)
        return self.storage.holds_data() and _unless_away(super().delete, key)

    def is_revoked(self, task: Any, timestamp: datetime | None = None, peek: bool = True) -> bool:
        """Whether a job or all jobs of a task are revoked."""
        if peek:
            return bool(super().is_revoked(task, timestamp, peek))
        return self.storage.holds_data() and _unless_away(super().is_revoked, task, timestamp, peek)

    def task_of(self, run: Run) -> Task:
        """The Huey task of a started job. Raises UnknownTask, PayloadBroken."""
        task = task_of(self._registry, run)
        task.run = run
        return task


def _unless_away(ask: Callable[..., Any], *question: Any) -> bool:
    """What Redis answers; no, when it is away: it never decides how a job ends."""
    try:
        return bool(ask(*question))
    except redis.RedisError:
        return False


def _told(argument: Any) -> Any:
    return repr(argument) if isinstance(argument, BaseException) else argument


def _or(value: Any, default: Any) -> Any:
    return default if value is None else value
