"""The time limit of a task's function, which turns every way out of it into an exception."""

from __future__ import annotations

import time
from types import TracebackType

import gevent
from huey.exceptions import CancelExecution, TaskTimeout

from mahaam.core.errors import MahaamError
from mahaam.core.exception_text import class_name, message_of
from mahaam.run.run import Run


class TaskExited(MahaamError):
    """The task tried to end the process; only the task was ended."""


class TimeLimit:
    """The context in which a task's function runs.

    The time-out is a BaseException inside, so that a task's own `except Exception` cannot catch it.
    Code that never yields is not interrupted, but its excess is noticed when it returns. A job that
    was asked to stop ends as cancelled however its task reacts, unless it returns before it is
    interrupted.
    """

    __slots__ = ("_run", "_timeout_s", "_timer")

    def __init__(self, run: Run, timeout_s: float | None) -> None:
        self._run = run
        self._timeout_s = timeout_s
        self._timer = gevent.Timeout(timeout_s) if timeout_s else None

    def __enter__(self) -> None:
        self._run.started_at = time.monotonic()
        if self._run.is_stopping:
            self._run.ended = True
            raise self._stopped()
        if self._timer is not None:
            self._timer.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._run.ended = True
        if self._timer is not None:
            self._timer.close()
        if self._is_stop(fault):
            raise self._stopped() from fault
        if self._timer is not None:
            self._check_time(fault)
        if kind is None or fault is None or issubclass(kind, Exception):
            return
        # The consumer's own interrupt goes through, nothing else does.
        if not self._run.is_interrupted:
            raise exited(fault) from fault

    def _is_stop(self, fault: BaseException | None) -> bool:
        if not self._run.is_stopping or self._run.is_interrupted:
            return False
        return fault is not None or self._run.interruptions > 0

    def _stopped(self) -> CancelExecution:
        return CancelExecution(f"Stopped by {self._run.stopped_by}.", retry=False)

    def _is_interrupt(self, fault: BaseException | None) -> bool:
        return issubclass(type(fault), KeyboardInterrupt)

    def _check_time(self, fault: BaseException | None) -> None:
        ran_s = time.monotonic() - self._run.started_at
        if fault is self._timer or (
            ran_s >= (self._timeout_s or 0) and not self._is_interrupt(fault)
        ):
            raise TaskTimeout(
                f"The task ran for {ran_s:.3g} s; {self._timeout_s:g} s are allowed."
            ) from fault


def exited(fault: BaseException) -> TaskExited:
    """Return the exception for a way out of the task that is no Exception."""
    return TaskExited(f"The task raised {class_name(fault)}: {message_of(fault)}")
