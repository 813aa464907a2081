"""Runs of tasks in this process: Huey runs a task, and its `Run` notes what Huey would have stored.

In a consumer the dispatcher writes the outcome; for a job run by hand, the inline worker does.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

from huey import signals
from huey.api import Task
from huey.exceptions import CancelExecution, RetryTask, TaskException

from mahaam.config import get_settings
from mahaam.core.errors import DatabaseUnavailable
from mahaam.core.exception_text import shown, traceback_of
from mahaam.huey_adapter.cpu.cpu_time_limit import CpuTimeLimit
from mahaam.huey_adapter.durable_queue import DurableQueue
from mahaam.huey_adapter.inline_worker import hand
from mahaam.huey_adapter.requeue import queue_again
from mahaam.huey_adapter.tasks import safe_call
from mahaam.huey_adapter.tasks.naive_times import aware
from mahaam.huey_adapter.tasks.safe_call import HookTimeLimit
from mahaam.huey_adapter.tasks.time_limit import TimeLimit
from mahaam.jobs.follow_ups import FollowUps
from mahaam.jobs.outcome import Outcome
from mahaam.jobs.states import State
from mahaam.run.run import Run, current_run, enter

log = logging.getLogger("mahaam.runs")

ERROR_LIMIT_BYTES = 2500  # of an exception's repr; as JSON within Huey's metadata it is longer

# What these signals say about an attempt stays, whatever else happens to it.
FINAL_STATES = {
    signals.SIGNAL_INTERRUPTED: State.QUEUED,
    signals.SIGNAL_REVOKED: State.CANCELLED,
    signals.SIGNAL_EXPIRED: State.EXPIRED,
}


class DurableRuns(DurableQueue):
    """Huey's methods for running tasks; `patience` is how long hooks may take."""

    patience: HookTimeLimit

    def carry_out(self, task: Task, timestamp: datetime | None = None) -> None:
        """Run a started job to its outcome, which is noted in its `Run`."""
        run: Run = task.run
        around = current_run()
        enter(run)
        try:
            super().execute(task, timestamp)
        except Exception as fault:  # noqa: BLE001 (the job must have an outcome)
            self._note_fault(run, fault)
        finally:
            enter(around)

    def _note_fault(self, run: Run, fault: Exception) -> None:
        """Note an error that is no fault of the task: a follow-up that cannot be stored, PostgreSQL away."""
        if isinstance(fault, DatabaseUnavailable) and not run.ended:
            log.warning("Job given back before it began. job=%s fault=%s", run.claim.id, fault)
            run.interrupted()
        else:
            run.exception = run.exception or fault
            log.error("The end of a task failed. job=%s", run.claim.id, exc_info=fault)

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
            self._accept(FollowUps([self._follow_up(task)]))
        run = hand().take(task.id)
        if run is None:
            log.info("Job not run by hand: another worker has it. job=%s", task.id)
        return run

    def build_error_result(self, task: Task, exception: BaseException) -> dict[str, Any]:
        """Return the metadata of Huey's error results, shortened."""
        error = shown(exception, ERROR_LIMIT_BYTES)
        if issubclass(type(exception), TaskException):
            told: TaskException = exception
            error = told.metadata.get("error") or error
        return {
            "error": error,
            "retries": task.retries,
            "traceback": traceback_of(exception, get_settings().traceback_limit_bytes),
            "task_id": task.id,
        }

    # Called by Huey while it runs a task.

    def _timeout_context(self, task: Task) -> Any:
        if task.run is None:
            return super()._timeout_context(task)
        # By hand, a CPU-bound task runs where it is called.
        is_elsewhere = task.cpu_bound and task.run.greenlet is not None
        return (CpuTimeLimit if is_elsewhere else TimeLimit)(task.run, task.timeout)

    def _run_pre_execute(self, task: Task) -> None:
        for name, hook in self._pre_execute.items():
            what = f"Unhandled exception calling pre-execute hook {name} for {task}"
            safe_call.call(hook, task, what=what, patience=self.patience)

    def _run_post_execute(
        self, task: Task, task_value: Any, exception: BaseException | None
    ) -> None:
        run = current_run()
        if run is not None:
            run.value, run.exception, run.told = task_value, exception, True
        for name, hook in self._post_execute.items():
            what = f"Unhandled exception calling post-execute hook {name} for {task}"
            try:
                safe_call.call(hook, task, task_value, exception, what=what, patience=self.patience)
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
            if isinstance(run.exception, RetryTask) and run.exception.eta:
                run.retry_at = aware(retry_eta, utc=self.utc)
        elif hand().holds(run):
            run.retry_in_s = task.retry_delay
        waits = retry_eta is not None or task.retry_delay
        self._emit(signals.SIGNAL_SCHEDULED if waits else signals.SIGNAL_ENQUEUED, task)

    def add_schedule(self, task: Task) -> None:
        """Schedule a task at its time."""
        run = current_run()
        if self._immediate:
            super().add_schedule(task)
        elif run is None or run is not task.run:
            self.enqueue(task)
        else:
            at = aware(task.eta, utc=self.utc)
            wait_s = max(0.0, (at - datetime.now(UTC)).total_seconds())
            count = run.claim.retry_count
            run.outcome = Outcome(State.RETRYING, count, delay_s=wait_s, run_at=at)
            self._emit(signals.SIGNAL_SCHEDULED, task)

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
