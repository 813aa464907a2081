"""The API of a running task: `from mahaam import current_job`."""

from __future__ import annotations

import logging

from mahaam.config import get_settings
from mahaam.core.errors import TaskStopped
from mahaam.core.payload import clean
from mahaam.run.log_buffer import said
from mahaam.run.run import Run, current_run

WORDS_LIMIT_BYTES = 500
LEVELS = logging.getLevelNamesMapping()


class CurrentJob:
    """The job whose task runs in this greenlet; false where no task runs."""

    @property
    def id(self) -> str:
        """Return the job's id."""
        return self._run().claim.id

    @property
    def attempt(self) -> int:
        """Return the number of this start, from 1. Releases and crashes count."""
        return self._run().claim.attempt

    @property
    def retry_count(self) -> int:
        """Return how often this job was retried after a failure, 0 at first."""
        return self._run().claim.retry_count

    @property
    def max_retries(self) -> int:
        """Return how often the job is retried at most."""
        return self._run().claim.max_retries

    @property
    def queue(self) -> str:
        """Return the queue from which the job was started."""
        return self._run().claim.queue

    @property
    def priority(self) -> int:
        """Return the job's priority at the start."""
        return self._run().claim.priority

    def progress(self, percent: float, text: str | None = None) -> None:
        """Report the job's progress (0 to 100, up or down) and what it does.

        The progress reaches the row within a second. Raises ValueError for any other `percent`.
        """
        run = self._run()
        words = None if text is None else clean(str(text), WORDS_LIMIT_BYTES)
        said.progress(run, _whole_percent(percent), words)

    def log(self, text: object, level: str | int = "info") -> None:
        """Add a line to the job's log, where it appears within a second.

        Lines below JOB_LOG_LEVEL are left out. Raises ValueError for an unknown level.
        """
        run, number = self._run(), _level(level)
        if number >= LEVELS[get_settings().job_log_level]:
            said.line(run, number, str(text))

    @property
    def is_stopping(self) -> bool:
        """Return True if an operator wants this job to stop."""
        return self._run().is_stopping

    def check(self) -> None:
        """Raise TaskStopped if the job is to stop. To be called where stopping does no harm."""
        run = self._run()
        if run.is_stopping:
            raise TaskStopped(f"Stopped by {run.stopped_by}.")

    def __bool__(self) -> bool:
        """Return True if a task runs in this greenlet."""
        return current_run() is not None

    def _run(self) -> Run:
        run = current_run()
        if run is None:
            raise LookupError("current_job is known only while a task runs in a consumer.")
        return run


current_job = CurrentJob()


def _whole_percent(percent: float) -> int:
    try:
        if 0 <= percent <= 100:
            return int(percent)
    except (TypeError, ArithmeticError):  # not a number; ArithmeticError: a Decimal that is NaN
        pass
    raise ValueError(f"Progress is a number from 0 to 100; this is {percent!r:.100}.")


def _level(level: str | int) -> int:
    number = LEVELS.get(level.upper()) if isinstance(level, str) else level
    if isinstance(number, int):
        return number
    known = ", ".join(LEVELS).lower()
    raise ValueError(f"There is no log level {level!r:.100}; there are {known}.")
