"""One running attempt of a job: its claim, what was observed of it, and its outcome."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import count
from typing import Any, Protocol

from mahaam.config import get_settings
from mahaam.core.errors import ArgumentNotStorable, MahaamError
from mahaam.core.exception_text import class_name, message_of, shown
from mahaam.core.payload import clean, dump, size_bytes
from mahaam.jobs import derive_follow_ups
from mahaam.jobs.backoff import backoff_s
from mahaam.jobs.claim import Claim
from mahaam.jobs.current_attempt import current
from mahaam.jobs.derive_follow_ups import FinalState
from mahaam.jobs.follow_ups import NOTHING, FollowUps
from mahaam.jobs.outcome import Failure, Outcome
from mahaam.jobs.states import State
from mahaam.redaction.redact import masked_failure

log = logging.getLogger("mahaam.run")

RESULT_SHOWN_BYTES = 2000
CAUSES = 100  # causes of an exception that are released; there may be cycles


class TaskProcess(Protocol):
    """A CPU process that runs a task."""

    def compute(self, run: Run, task: Any) -> Any:
        """Run a task. Return its result. Raises what the task raises."""


class Run:
    """An attempt that holds one of the consumer's slots until its outcome is written."""

    __slots__ = (
        "_follows",
        "claim",
        "ended",
        "ended_at",
        "error_metadata",
        "exception",
        "final_state",
        "greenlet",
        "interruptions",
        "is_interrupted",
        "is_over",
        "keeps_result",
        "line_numbers",
        "lines_left_out",
        "on_stop",
        "options",
        "outcome",
        "process",
        "remaining_retries",
        "retry_at",
        "retry_in_s",
        "retrying",
        "started_at",
        "stop_asked_at",
        "stopped_by",
        "told",
        "value",
    )

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self.options: dict[str, Any] = {}  # what rides along: chain, error handler, removal
        self.started_at = time.monotonic()
        self.ended_at = 0.0
        self.greenlet: Any = None  # in which the task runs, for stopping it
        self.value: Any = None
        self.exception: BaseException | None = None
        self.error_metadata: str | None = None  # Huey's details of the exception, as JSON
        self.final_state: State | None = None  # set by a signal, stronger than value and exception
        self.retrying = False
        self.retry_in_s: float | None = None
        self.retry_at: datetime | None = (
            None  # the time of the retry that the task itself asked for
        )
        self.remaining_retries = claim.max_retries - claim.retry_count
        self.is_interrupted = False  # by the consumer, for reasons that are not the job's own
        self.stopped_by: str | None = None  # the operator who wants it to stop
        self.stop_asked_at = 0.0
        self.interruptions = 0  # how often it was interrupted because of that
        self.process: TaskProcess | None = None  # the CPU process that runs the task, if any
        self.on_stop: Callable[[str], None] | None = None  # notifies that process
        self.is_over = False  # no code of the attempt runs here any more
        self.ended = False  # the task's function has returned; jobs enqueued now are follow-ups
        self.told = False  # Huey has reported the end of the task
        self.keeps_result = False  # and the result is to be stored
        self._follows: FollowUps | None = None
        self.outcome: Outcome | None = None
        self.line_numbers = count(1)  # of its log lines
        self.lines_left_out = 0

    @property
    def follows(self) -> FollowUps:
        """Return the follow-ups of this attempt, to which callers may add."""
        self._follows = self._follows or FollowUps()
        return self._follows

    def settle(self) -> Outcome:
        """Return the outcome. There is always one, even if reading the result or the exception fails."""
        if self.outcome is None:
            try:
                self.outcome = self._settled()
            except BaseException as fault:
                log.exception("An outcome could not be read. job=%s", self.claim.id)
                why = f"The outcome cannot be read: {class_name(fault)}: {message_of(fault)}"
                self.end_without_running(MahaamError(why))
        assert self.outcome is not None
        return self.outcome

    def let_go(self) -> None:
        """Release the task's value and exception: the outcome has what is written of them."""
        fault, self.value, self.exception = self.exception, None, None
        for _ in range(CAUSES):
            if fault is None:
                return
            # The frames of an exception refer to it in turn, until the garbage is collected.
            _of_exception("__traceback__").__set__(fault, None)
            cause = _of_exception("__cause__").__get__(fault)
            fault = _of_exception("__context__").__get__(fault) if cause is None else cause

    def _settled(self) -> Outcome:
        """Return the outcome, derived from Huey's signals and hooks."""
        if self.final_state is not None:
            outcome = Outcome(self.final_state, self.claim.retry_count)
        elif self.exception is not None:
            outcome = self._failed(self.exception)
        elif not self.told:
            outcome = self._failed(MahaamError("The run ended and nothing was said of how."))
        else:
            result = stored_result(self.value) if self.keeps_result else None
            outcome = Outcome(State.COMPLETED, self.claim.retry_count, result=result)
        outcome.follows = self._follows or NOTHING
        outcome.remove = self._is_removed(outcome.state)
        return outcome

    def end_without_running(self, error: MahaamError) -> None:
        """Fail a job for good that cannot be run, or whose outcome cannot be read."""
        failure = masked_failure(Failure.told(error), self.claim.task)
        follows = derive_follow_ups.of_end(
            FinalState(self.claim.id, self.claim.options, State.FAILED, failure.line)
        )
        self.outcome = Outcome(
            State.FAILED, self.claim.retry_count, failure=failure, follows=follows
        )

    def backoff_s(self, *, jitter: bool) -> float:
        """Return how many seconds the job waits if this attempt fails and is retried."""
        cap_s = self.claim.retry_delay_cap_s
        return backoff_s(
            self.claim.retry_count,
            delay_s=self.claim.retry_delay_s,
            factor=self.claim.retry_backoff,
            cap_s=get_settings().retry_delay_cap_s if cap_s is None else cap_s,
            jitter=jitter,
        )

    @property
    def is_stopping(self) -> bool:
        """Return True if an operator wants it to stop."""
        return self.stopped_by is not None

    def ask_to_stop(self, by: str) -> None:
        """Notify the task that it is to stop."""
        self.stopped_by, self.stop_asked_at = by, time.monotonic()
        if self.on_stop is not None:
            self.on_stop(by)

    def stopped(self) -> None:
        """End the attempt as cancelled: it was stopped outside of the task's own code."""
        if not self.told:
            self.final_state = State.CANCELLED
            end = FinalState(self.claim.id, self.claim.options, State.CANCELLED)
            self.follows.add(derive_follow_ups.of_end(end))

    def interrupted(self) -> None:
        """Give the job back: it was interrupted for reasons that are not its own."""
        if not self.told:
            self.final_state = State.QUEUED

    def _failed(self, exception: BaseException) -> Outcome:
        failure = replace(
            masked_failure(Failure.of(exception), self.claim.task), metadata=self.error_metadata
        )
        retry_count = max(0, self.claim.max_retries - self.remaining_retries)
        if self.retrying:
            delay_s = self.retry_in_s
            if delay_s is None:
                delay_s = self.backoff_s(jitter=self.claim.retry_jitter)
            return Outcome(
                State.RETRYING, retry_count, failure=failure, delay_s=delay_s, run_at=self.retry_at
            )
        cancelled = any(kind.__name__ == "CancelExecution" for kind in type(exception).__mro__)
        state = State.CANCELLED if cancelled else State.FAILED
        return Outcome(state, self.claim.retry_count, failure=failure)

    def _is_removed(self, state: State) -> bool:
        wish = {State.COMPLETED: "remove_on_complete", State.FAILED: "remove_on_fail"}.get(state)
        return bool(wish and self.options.get(wish))


def stored_result(value: Any) -> str:
    """Return a task's result as JSON. A too long or not storable one is stored as a marked excerpt."""
    if value is None:
        return "null"
    try:
        return _within_limit(dump(value, what="The result"))
    except BaseException as fault:  # noqa: BLE001 (a task's value may do anything)
        known = isinstance(fault, ArgumentNotStorable)
        reason = str(fault) if known else f"The result cannot be read: {message_of(fault)}"
        told = {"not_stored": clean(reason), "repr": shown(value, RESULT_SHOWN_BYTES)}
        return dump(told, what="The result")


def _within_limit(text: str) -> str:
    limit_bytes = get_settings().result_limit_bytes
    if len(text) * 4 <= limit_bytes or (size := size_bytes(text)) <= limit_bytes:
        return text
    # Half of the limit: in a JSON string every character may take two.
    half = max(0, limit_bytes // 2 - 100)
    excerpt = text[:half].encode()[:half].decode("utf-8", "ignore")
    return dump({"cut": excerpt, "size_bytes": size}, what="The result")


def _of_exception(name: str) -> Any:
    """Return the descriptor of an attribute of BaseException, which a subclass may hide."""
    return BaseException.__dict__[name]


def current_run() -> Run | None:
    """Return the attempt that runs in this greenlet; None outside of tasks."""
    run: Any = current.get()
    return run  # type: ignore[no-any-return]


def enter(run: Run | None) -> None:
    """Make `run` the current attempt of this greenlet."""
    current.set(run)
