"""The seam to Huey: one Huey whose messages are rows and whose outcomes are noted, not stored.

Huey runs a task exactly as its documentation says, with its hooks, signals, pipelines and
time-outs. Where it would write to Redis, it tells the attempt (`Run`) instead; the dispatcher
writes the whole outcome in one transaction.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from typing import Any

from huey import signals
from huey.api import Task, chord, group
from huey.exceptions import CancelExecution

from config import get_settings
from tasks.engine import accept, database, guarded
from tasks.engine.again import checked, queue_again
from tasks.engine.chord import NewChord
from tasks.engine.cpu.guard import CpuGuard
from tasks.engine.durable_chords import DurableChords
from tasks.engine.errors import MahaamError, OptionNotValid
from tasks.engine.follows import Follows, FollowUp
from tasks.engine.guard import Guard
from tasks.engine.guarded import GuardedSignal, Patience
from tasks.engine.hand import hand
from tasks.engine.handles import DurableResults
from tasks.engine.kept import DurableValues
from tasks.engine.message import JsonSerializer, message_of, new_job_of, task_from, task_of
from tasks.engine.moments import aware, naive
from tasks.engine.outcome import Outcome
from tasks.engine.passed_error import passed
from tasks.engine.queries import waiting
from tasks.engine.queries.waiting import Waiting
from tasks.engine.run import Run, current_id, current_run, enter
from tasks.engine.states import State
from tasks.engine.storage import DoorbellStorage
from tasks.engine.task import DurableTask, PeriodicJobTask, new_id

log = logging.getLogger("mahaam.seam")

# What these signals say about an attempt stands, whatever else happens to it.
FINAL_STATES = {
    signals.SIGNAL_INTERRUPTED: State.QUEUED,
    signals.SIGNAL_REVOKED: State.CANCELLED,
    signals.SIGNAL_EXPIRED: State.EXPIRED,
}


class MahaamHuey(DurableChords, DurableValues):
    """A Huey that keeps its jobs in PostgreSQL and rings Redis when one is to run.

    Takes Huey's options but for those that say where and how messages are stored.
    """

    storage_class = DoorbellStorage

    def __init__(
        self,
        name: str = "mahaam",
        results: bool = True,
        store_none: bool = False,
        utc: bool = True,
        immediate: bool = False,
        serializer: Any = None,
        immediate_use_memory: bool = True,
        store_intermediate_errors: bool | None = True,
        **refused: Any,
    ) -> None:
        if refused or not isinstance(serializer, JsonSerializer | None):
            raise OptionNotValid(
                f"MahaamHuey takes no {', '.join(refused) or 'serializer'}: jobs are JSON in PostgreSQL, "
                "DATABASE_URL and REDIS_URL say where."
            )
        self._storage: Any = None
        self._early: bool | None = None
        super().__init__(
            name,
            results=results,
            store_none=store_none,
            utc=utc,
            immediate=immediate,
            serializer=JsonSerializer(),
            immediate_use_memory=immediate_use_memory,
            store_intermediate_errors=store_intermediate_errors,
        )
        self.patience = Patience()
        self._signal = GuardedSignal(self.patience)

    @property
    def store_intermediate_errors(self) -> bool:
        """Whether an error is a result while there are retries left; None: as the settings say."""
        if self._early is None:
            return get_settings().store_intermediate_errors
        return self._early

    @store_intermediate_errors.setter
    def store_intermediate_errors(self, early: bool | None) -> None:
        self._early = early

    # Redis is looked for when it is first needed: importing tasks needs no server.

    @property
    def storage(self) -> Any:
        """The doorbell, and Huey's keys and values; in immediate mode, Huey's memory."""
        if self._storage is None:
            self._storage = self.get_storage(
                url=get_settings().redis_url,
                utc=self.utc,
                early=lambda: self.store_intermediate_errors,
            )
        return self._storage

    @storage.setter
    def storage(self, storage: Any) -> None:
        self._storage = storage

    def create_storage(self) -> Any:
        """Nothing yet, but in immediate mode."""
        return (
            self.get_immediate_storage() if self._immediate and self.immediate_use_memory else None
        )

    def get_task_wrapper_class(self) -> type[DurableTask]:
        """The class that `@task` makes."""
        return DurableTask

    def task(
        self,
        retries: int = 0,
        retry_delay: float = 0,
        retry_backoff: float = 0,
        priority: int | None = None,
        context: bool = False,
        name: str | None = None,
        expires: Any = None,
        timeout: float | None = None,
        *,
        queue: str = "default",
        retry_jitter: bool = False,
        tags: tuple[str, ...] | None = None,
        remove_on_complete: bool = False,
        remove_on_fail: bool = False,
        cpu_bound: bool = False,
        **settings: Any,
    ) -> Callable[[Callable[..., Any]], DurableTask]:
        """Make a task of a function, with Huey's own defaults: no retries, delays in seconds."""
        decorate = super().task(
            retries=retries,
            retry_delay=retry_delay,
            retry_backoff=retry_backoff,
            priority=priority,
            context=context,
            name=name,
            expires=expires,
            timeout=timeout,
            default_queue=queue,
            default_retry_jitter=retry_jitter,
            default_tags=tags,
            default_remove_on_complete=remove_on_complete,
            default_remove_on_fail=remove_on_fail,
            cpu_bound=cpu_bound,
            **settings,
        )

        def sound(function: Callable[..., Any]) -> DurableTask:
            made: DurableTask = decorate(function)
            try:
                new_job_of(made.task_class())
            except OptionNotValid:
                made.unregister()
                raise
            return made

        return sound

    def periodic_task(
        self, validate_datetime: Callable[[datetime], bool], **options: Any
    ) -> Callable[[Callable[..., Any]], DurableTask]:
        """Make a task that is enqueued in each minute for which `validate_datetime` says yes."""

        def validate(_task: Task, timestamp: datetime) -> bool:
            return validate_datetime(timestamp)

        return self.task(**options, validate_datetime=validate, task_base=PeriodicJobTask)

    def enqueue(self, task: Any) -> Any:
        """Accept a job: its row is committed, then Redis is rung.

        Inside a task that has just ended (a pipeline's next task, an error handler) the row is
        left to the transaction that writes the outcome. A task whose job is there already, because
        it was enqueued before or read from a queue, has it queued again.
        """
        if isinstance(task, group) and not self._immediate:
            return DurableResults(self, [self.enqueue(member) for member in task.tasks])
        if self._immediate or isinstance(task, chord):
            return super().enqueue(task)
        if task.is_known and queue_again(task.id):
            self._emit(signals.SIGNAL_ENQUEUED, task)
        else:
            self._accept(Follows([self._follow_up(task)], replacements=self.replacements(task)))
            task.is_known = True
        return self._handle(task) if self.results else None

    def _handle(self, task: Task) -> Any:
        results = self._pipeline_results(task)
        return DurableResults(self, results) if len(results) > 1 else results[0]

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
        """What is to be inserted for a task, which Huey's signals announce."""
        if task.expires:
            task.resolve_expires(self.utc)
        self._emit(signals.SIGNAL_ENQUEUED, task)
        if not self.ready_to_run(task):
            self._emit(signals.SIGNAL_SCHEDULED, task)
        id_, run = checked(task.id), current_run()
        if any(isinstance(arg, BaseException) for arg in task.args) and run and run.ended:
            id_ = new_id()  # of an error handler, which is enqueued once per error
        args = tuple(passed(arg) if isinstance(arg, BaseException) else arg for arg in task.args)
        job = new_job_of(task, utc=self.utc, parent_id=current_id())
        return FollowUp(job, accept.call(id_, args, task.kwargs))

    # Running: in a consumer, which writes the outcome, or by hand.

    def carry_out(self, task: Task, timestamp: datetime | None = None) -> None:
        """Run a started job to its outcome, which is noted in its `Run`."""
        run: Run = task.run
        around = current_run()
        enter(run)
        try:
            super().execute(task, timestamp)
        except Exception as fault:  # a follow-up that cannot be stored, for one
            run.exception = run.exception or fault
            log.exception("The end of a task failed. job=%s", run.claim.id)
        finally:
            enter(around)

    def execute(self, task: Task, timestamp: datetime | None = None) -> Any:
        """Run a job by hand, write its outcome, and return what its function returned.

        A job that is not started yet, or has ended, is queued again and started first.
        """
        if self._immediate:
            return super().execute(task, timestamp)
        if task.is_late:
            task.is_late = False
            self._emit(signals.SIGNAL_EXPIRED, task)
            return None
        if task.run is None or not hand().holds(task.run):
            task.run = self._started(task, timestamp)
        if task.run is None:
            return None
        try:
            self.carry_out(task, timestamp)
        finally:
            followers = hand().finish(task.run)
        self.tell(signals.SIGNAL_ENQUEUED, followers)
        return task.run.value if task.run.exception is None else None

    def _started(self, task: Task, timestamp: datetime | None) -> Run | None:
        if not self.ready_to_run(task, timestamp):
            self._emit(signals.SIGNAL_SCHEDULED, task)
            return None
        if not queue_again(task.id):
            self._accept(Follows([self._follow_up(task)]))
        run = hand().take(task.id)
        if run is None:
            log.warning("Job not run by hand: another worker has it. job=%s", task.id)
        return run

    def create_consumer(self, **options: Any) -> Any:
        """The consumer that Huey's options describe. Raises OptionNotValid for what it cannot do."""
        # By name, because the consumer stands above the seam.
        return import_module("tasks.engine.consumer").from_huey_options(self, options)

    # Messages.

    def serialize_task(self, task: Task) -> Any:
        """A task as JSON."""
        return self.serializer.serialize(message_of(task))

    def deserialize_task(self, data: Any) -> Task:
        """The task of JSON, of a job that waits, or of one that was started by hand.

        Raises UnknownTask, PayloadBroken; a started job that has no task fails by that.
        """
        if isinstance(data, Waiting):
            return self._timed(self.task_of(Run(data.claim)), data)
        if isinstance(data, bytes):
            return task_from(self._registry, self.serializer.deserialize(data))
        return self._taken(data)

    def _taken(self, taken: Run | str) -> Task:
        job_id = taken if isinstance(taken, str) else taken.claim.id
        (row,) = database.repeatable(partial(waiting.some, ids=[job_id]))
        if isinstance(taken, str):
            task = self._timed(self.task_of(Run(row.claim)), row)
            task.is_late = True
            return task
        try:
            task = self._timed(self.task_of(taken), row)
        except MahaamError as error:
            taken.end_without_running(error)
            hand().finish(taken)
            raise
        task.run = taken
        return task

    def _timed(self, task: Task, row: Waiting) -> Task:
        """A task with what Huey's own messages say of times and of what the next retry waits."""
        claim = row.claim
        task.eta = naive(row.run_at, utc=self.utc)
        task.expires = task.expires_resolved = naive(row.expires_at, utc=self.utc)
        task.retry_delay = claim.retry_delay_s * claim.retry_backoff**claim.retry_count
        task.run, task.is_known = None, True
        return task

    def task_of(self, run: Run) -> Task:
        """The Huey task of a started job. Raises UnknownTask, PayloadBroken."""
        task = task_of(self._registry, run)
        task.run = run
        return task

    # What Huey says while it runs a task.

    def _timeout_context(self, task: Task) -> Any:
        if task.run is None:
            return super()._timeout_context(task)
        # By hand, a task is computed where it is called.
        is_elsewhere = task.cpu_bound and task.run.greenlet is not None
        return (CpuGuard if is_elsewhere else Guard)(task.run, task.timeout)

    def _run_pre_execute(self, task: Task) -> None:
        for name, hook in self._pre_execute.items():
            what = f"Unhandled exception calling pre-execute hook {name} for {task}"
            guarded.call(hook, task, what=what, patience=self.patience)

    def _run_post_execute(
        self, task: Task, task_value: Any, exception: BaseException | None
    ) -> None:
        run = current_run()
        if run is not None:
            run.value, run.exception, run.told = task_value, exception, True
        for name, hook in self._post_execute.items():
            what = f"Unhandled exception calling post-execute hook {name} for {task}"
            try:
                guarded.call(hook, task, task_value, exception, what=what, patience=self.patience)
            except CancelExecution:  # too late for that
                log.exception("%s.", what)

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
        elif hand().holds(run):
            run.retry_in_s = task.retry_delay
        waits = retry_eta is not None or task.retry_delay
        self._emit(signals.SIGNAL_SCHEDULED if waits else signals.SIGNAL_ENQUEUED, task)

    def add_schedule(self, task: Task) -> None:
        """Let a task wait for its time."""
        run = current_run()
        if self._immediate:
            super().add_schedule(task)
        elif run is None or run is not task.run:
            self.enqueue(task)
        else:
            wait = aware(task.eta, utc=self.utc) - datetime.now(UTC)
            delay_s = max(0.0, wait.total_seconds())
            run.outcome = Outcome(State.RETRYING, run.claim.retry_count, delay_s=delay_s)
            self._emit(signals.SIGNAL_SCHEDULED, task)

    def tell(self, signal: str, ids: list[str], *, state: str | None = None) -> None:
        """Send a signal for jobs that nobody runs here, those in `state`; read only if it is heard."""
        if not ids or not self._signal.hears(signal):
            return
        for row in database.repeatable(partial(waiting.some, ids=ids, state=state)):
            try:
                task = self.deserialize_task(row)
            except MahaamError as fault:
                log.warning("No %s signal. job=%s fault=%s", signal, row.claim.id, fault)
            else:
                self._emit(signal, task)

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
