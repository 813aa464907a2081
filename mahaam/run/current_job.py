"""What a task may ask and say about itself: `from mahaam import current_job`."""

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
    """The job whose task runs in this greenlet; false where none runs."""

    @property
    def id(self) -> str:
        """The job's id."""
        return self._run().claim.id

    @property
    def attempt(self) -> int:
        """Which start this is, from 1; releases and crashes count."""
        return self._run().claim.attempt

    @property
    def retry_count(self) -> int:
        """How often this job was retried after failing, 0 at first."""
        return self._run().claim.retry_count

    @property
    def max_retries(self) -> int:
        """How often it is retried at most."""
        return self._run().claim.max_retries

    @property
    def queue(self) -> str:
        """The queue that it came from."""
        return self._run().claim.queue

    @property
    def priority(self) -> int:
        """Its priority at the start."""
        return self._run().claim.priority

    def progress(self, percent: float, text: str | None = None) -> None:
        """Say how far the job is (0 to 100, up or down) and what it does.

        Reaches the row within a second. Raises ValueError for what is no such number.
        """
        run = self._run()
        words = None if text is None else clean(str(text), WORDS_LIMIT_BYTES)
        said.progress(run, _whole_percent(percent), words)

    def log(self, text: object, level: str | int = "info") -> None:
        """Add a line to the job's log, where it is read within a second.

        Lines below JOB_LOG_LEVEL are left out. Raises ValueError for an unknown level.
        """
        run, number = self._run(), _level(level)
        if number >= LEVELS[get_settings().job_log_level]:
            said.line(run, number, str(text))

    @property
    def is_stopping(self) -> bool:
        """Whether an operator wants this job to stop."""
        return self._run().is_stopping

    def check(self) -> None:
        """Raise TaskStopped when the job is to stop: to be called where stopping does no harm."""
        run = self._run()
        if run.is_stopping:
            raise TaskStopped(f"Stopped by {run.stopped_by}.")

    def __bool__(self) -> bool:
        """Whether a task runs here."""
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
    except (TypeError, ArithmeticError):  # no number; a Decimal that is not one either
        pass
    raise ValueError(f"Progress is a number from 0 to 100; this is {percent!r:.100}.")


def _level(level: str | int) -> int:
    number = LEVELS.get(level.upper()) if isinstance(level, str) else level
    if isinstance(number, int):
        return number
    known = ", ".join(LEVELS).lower()
    raise ValueError(f"There is no log level {level!r:.100}; there are {known}.")
