"""Event handlers of users: `@on("failed", task=send_mail)`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

import gevent
from gevent.queue import Empty, Full, JoinableQueue

from mahaam.config import get_settings
from mahaam.core.errors import OptionNotValid
from mahaam.core.liveness import get_on
from mahaam.core.log_throttle import LogThrottle
from mahaam.core.payload import load
from mahaam.jobs.claim import Claim
from mahaam.jobs.log_line import ProgressUpdate
from mahaam.jobs.outcome import Ended
from mahaam.jobs.states import State
from mahaam.jobs.task_registry import RegisteredTask
from mahaam.workers.store import Rescued

log = logging.getLogger("mahaam.hooks")

EVENTS = ("active", "completed", "failed", "dead", "progress")
WAITING = 10_000  # events that handlers may lag behind
IDLE_S = 2.0  # how often an idle loop gives a sign of life
ATTEMPT_FAILED = (State.RETRYING, State.FAILED)

slow = LogThrottle(log, every_s=10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEvent:
    """An event of a job, with the time (of the consumer's clock) after its commit.

    `error` is set for failures, as `Class: message`; `progress` (percent) and `progress_text` for
    progress.
    """

    event: str
    job_id: str
    task: str
    queue: str
    attempt: int
    at: datetime
    error: str | None = None
    progress: int | None = None
    progress_text: str | None = None
    result_json: str | None = None

    @property
    def result(self) -> Any:
        """Return the stored result of a completed job, or None."""
        return None if self.result_json is None else load(self.result_json)


Handler = Callable[[JobEvent], object]
H = TypeVar("H", bound=Handler)


class Hook(NamedTuple):
    """A handler, and the task whose events it handles (None: all tasks)."""

    handler: Handler
    task: str | None


class Hooks:
    """The handlers, and the events that are not yet handled.

    One greenlet calls them, one after the other: a handler that fails, hangs or is slow delays
    other handlers, and no job.
    """

    def __init__(self) -> None:
        self._hooks: dict[str, list[Hook]] = {}
        self._waiting: JoinableQueue[tuple[Handler, JobEvent]] = JoinableQueue(WAITING)
        self._left_out = 0

    @property
    def is_used(self) -> bool:
        """Return True if there is any handler."""
        return bool(self._hooks)

    @property
    def backlog(self) -> int:
        """Return the number of calls that are still to be made."""
        return int(self._waiting.qsize())

    def add(self, event: str, hook: Hook) -> None:
        """Register a handler for an event."""
        self._hooks.setdefault(event, []).append(hook)

    def loop(self) -> None:
        """Call handlers for queued events, for ever."""
        while True:
            get_on()
            try:
                handler, event = self._waiting.get(timeout=IDLE_S)
            except Empty:
                continue
            try:
                _call(handler, event)
            finally:
                self._waiting.task_done()

    def finish(self, limit_s: float) -> None:
        """Wait until all events are handled, or for `limit_s`."""
        self._waiting.join(limit_s)

    # Called after the commit.

    def started(self, claims: Iterable[Claim]) -> None:
        """Queue the events of started jobs."""
        for claim in claims:
            self._tell("active", claim)

    def ended(self, written: Sequence[Ended]) -> None:
        """Queue the events of ended attempts."""
        for claim, outcome in written:
            error = outcome.failure.line if outcome.failure else None
            if outcome.state is State.COMPLETED:
                self._tell("completed", claim, result_json=outcome.result)
            if outcome.state in ATTEMPT_FAILED:
                self._tell("failed", claim, error=error)
            if outcome.state is State.FAILED:
                self._tell("dead", claim, error=error)

    def crashed(self, job: Rescued, error: str) -> None:
        """Queue the event of a job that was taken from a lost worker, if it failed for good by that."""
        if job.state == State.FAILED:
            self._tell("dead", job, error=error)

    def advanced(self, words: Iterable[ProgressUpdate]) -> None:
        """Queue the events of progress."""
        for word in words:
            self._tell("progress", word.claim, progress=word.percent, progress_text=word.words)

    def _tell(self, name: str, job: Claim | Rescued, **more: Any) -> None:
        handlers = [
            hook.handler for hook in self._hooks.get(name, ()) if hook.task in (None, job.task)
        ]
        if not handlers:
            return
        event = JobEvent(
            event=name, job_id=job.id, task=job.task, queue=job.queue, attempt=job.attempt,
            at=datetime.now(UTC), **more,
        )  # fmt: skip
        for handler in handlers:
            self._put(handler, event)

    def _put(self, handler: Handler, event: JobEvent) -> None:
        try:
            self._waiting.put_nowait((handler, event))
        except Full:
            self._left_out += 1
            slow.warn(
                "Event handlers are slower than jobs; they are not told all. left_out=%s",
                self._left_out,
            )


hooks = Hooks()


def on(event: str, *, task: RegisteredTask | str | None = None) -> Callable[[H], H]:
    """Return a decorator that calls a function with a `JobEvent` on `event` of `task` (None: any).

    `active`: the job's row says running. `completed`. `failed`: an attempt failed, retried or not.
    `dead`: the job failed for good, by an exception or by crashes, and has a dead letter. `progress`:
    the progress is in the job's row.

    The handler is called after the commit, by the consumer that wrote the change, at most once: not
    if that consumer is killed in between, nor if handlers lag 10,000 events behind. A handler is
    stopped after HOOK_TIMEOUT_S where it waits. Work that must happen belongs into `then()` or
    `error()`, which are committed together with the outcome. Raises OptionNotValid for an unknown
    event.
    """
    if event not in EVENTS:
        raise OptionNotValid(f"There is no event {event!r}; there are {', '.join(EVENTS)}.")
    name = task if task is None or isinstance(task, str) else task.path

    def added(handler: H) -> H:
        hooks.add(event, Hook(handler, name))
        return handler

    return added


def _call(handler: Handler, event: JobEvent) -> None:
    limit = gevent.Timeout(get_settings().hook_timeout_s)
    try:
        with limit:
            handler(event)
    except BaseException as fault:  # the next handler is called after any fault
        facts = (getattr(handler, "__qualname__", handler), event.event, event.job_id)
        if fault is limit:
            log.warning("A handler took too long. handler=%s event=%s job=%s", *facts)
        else:
            log.exception("A handler failed. handler=%s event=%s job=%s", *facts)
