"""Conversion of Huey's tasks to rows, and of rows to Huey's tasks."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from huey import signals
from huey.api import Task, chord, group

from mahaam.core.errors import MahaamError
from mahaam.core.ids import new_id
from mahaam.enqueuing import accept
from mahaam.huey_adapter.durable_chords import DurableChords
from mahaam.huey_adapter.inline_worker import hand
from mahaam.huey_adapter.requeue import checked, queue_again
from mahaam.huey_adapter.results.error_codec import passed
from mahaam.huey_adapter.results.result_group import DurableResults
from mahaam.huey_adapter.tasks import call_check
from mahaam.huey_adapter.tasks.message import new_job_of, task_from, task_of
from mahaam.huey_adapter.tasks.naive_times import naive
from mahaam.jobs import job_message
from mahaam.jobs.chord import NewChord
from mahaam.jobs.current_attempt import current_id
from mahaam.jobs.follow_ups import FollowUp, FollowUps
from mahaam.jobs.job_message import message_of
from mahaam.postgres import database
from mahaam.queries import waiting
from mahaam.queries.waiting import WaitingJob
from mahaam.run.run import Run, current_run

log = logging.getLogger("mahaam.queue")


class DurableQueue(DurableChords):
    """Huey's methods for messages."""

    def enqueue(self, task: Any) -> Any:
        """Enqueue a job: its row is committed, then Redis is notified.

        Inside a task that has just ended (a pipeline's next task, an error handler) the row is left
        to the transaction that writes the outcome. A task whose job exists already, because it was
        enqueued before or read from a queue, has it queued again.

        Raises ArgumentsNotFitting for a call that does not fit its function, except for a follow-up
        of a task: the job of that follow-up then fails itself.
        """
        if not self._follows_from_a_task():
            call_check.check(task)
        if isinstance(task, group) and not self._immediate:
            return DurableResults(self, [self.enqueue(member) for member in task.tasks])
        if self._immediate or isinstance(task, chord):
            return super().enqueue(task)
        if task.is_known and queue_again(task.id):
            self._emit(signals.SIGNAL_ENQUEUED, task)
        else:
            self._accept(FollowUps([self._follow_up(task)], replacements=self.replacements(task)))
            task.is_known = True
        return self._handle(task) if self.results else None

    def _handle(self, task: Task) -> Any:
        results = self._pipeline_results(task)
        return DurableResults(self, results) if len(results) > 1 else results[0]

    def enqueue_together(self, tasks: list[Task], chords: list[NewChord]) -> None:
        """Enqueue the jobs of tasks and the chords that they belong to, all of them or none."""
        self._accept(FollowUps([self._follow_up(task) for task in tasks], chords))

    def _follows_from_a_task(self) -> bool:
        """Return True if what is enqueued now follows from the end of the task that ran here."""
        run = current_run()
        # A thread that has the task's context may outlive it: nothing is written any more then.
        return run is not None and run.ended and not run.is_over

    def _accept(self, follows: FollowUps) -> None:
        """Enqueue now, or with the outcome of the task that has just ended here."""
        run = current_run()
        if run is not None and self._follows_from_a_task():
            run.follows.add(follows)
        else:
            accept.together(follows)

    def _follow_up(self, task: Task) -> FollowUp:
        """Return what is to be inserted for a task, and send Huey's signals about it."""
        if task.expires:
            task.resolve_expires(self.utc)
        self._emit(signals.SIGNAL_ENQUEUED, task)
        if not self.ready_to_run(task) and self._is_seen_at_once():
            self._emit(signals.SIGNAL_SCHEDULED, task)
        id_, args = checked(task.id), task.args
        if any(isinstance(arg, BaseException) for arg in args):
            id_, args = _of_error_handler(task)
        job = new_job_of(task, utc=self.utc, parent_id=current_id())
        return FollowUp(job, accept.call(id_, args, task.kwargs))

    def _is_seen_at_once(self) -> bool:
        """Return True if a consumer handles delayed jobs and a receiver listens to SIGNAL_SCHEDULED."""
        return self._signal.hears(signals.SIGNAL_SCHEDULED) and not hand().is_alone()

    def serialize_task(self, task: Task) -> Any:
        """Return a task as JSON."""
        return self.serializer.serialize(message_of(task))

    def deserialize_task(self, data: Any) -> Task:
        """Return the task of JSON, of a job that waits, or of one that was started by hand.

        Raises UnknownTask, PayloadBroken; a started job without a task fails with that error.
        """
        if isinstance(data, WaitingJob):
            return self._timed(Run(data.claim), data)
        if isinstance(data, bytes):
            return task_from(self._registry, self.serializer.deserialize(data))
        return self._taken(data)

    def _taken(self, taken: Run | str) -> Task:
        job_id = taken if isinstance(taken, str) else taken.claim.id
        (row,) = database.repeatable(partial(waiting.some, ids=[job_id]))
        if isinstance(taken, str):
            task = self._timed(Run(row.claim), row)
            task.is_late = True
            return task
        try:
            task = self._timed(taken, row)
        except MahaamError as error:
            taken.end_without_running(error)
            hand().finish(taken)
            raise
        task.run = taken
        return task

    def _timed(self, run: Run, row: WaitingJob) -> Task:
        """Return a task with the times of Huey's own messages and the delay of the next retry."""
        task = self.task_of(run)
        task.eta = naive(row.run_at, utc=self.utc)
        task.expires_resolved = naive(row.expires_at, utc=self.utc)
        task.expires = run.options.get("expires", task.expires_resolved)
        task.retry_delay = run.backoff_s(jitter=False)
        claimed = job_message.claimed_options(row.claim)
        vars(task).update(job_message.own_options(type(task), claimed))
        task.run, task.is_known = None, True
        return task

    def task_of(self, run: Run) -> Task:
        """Return the Huey task of a started job. Raises UnknownTask, PayloadBroken."""
        task = task_of(self._registry, run)
        task.run = run
        return task

    def tell(self, signal: str, ids: list[str], *, state: str | None = None) -> None:
        """Send a signal for jobs that nobody runs here, those in `state`.

        The jobs are read only if a receiver is connected.
        """
        if not ids or not self._signal.hears(signal):
            return
        for row in database.repeatable(partial(waiting.some, ids=ids, state=state)):
            try:
                task = self.deserialize_task(row)
            except MahaamError as fault:
                log.warning("No %s signal. job=%s fault=%s", signal, row.claim.id, fault)
            else:
                self._emit(signal, task)


def _of_error_handler(task: Task) -> tuple[str, tuple[Any, ...]]:
    """Return a new id for each error, and the arguments with the exception as JSON can hold it."""
    run = current_run()
    args = tuple(passed(arg) if isinstance(arg, BaseException) else arg for arg in task.args)
    return new_id() if run and run.ended else task.id, args
