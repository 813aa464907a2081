"""The buffer of log lines and progress of running jobs, until the log writer writes them."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Sequence

from mahaam.config import get_settings
from mahaam.core.log_throttle import LogThrottle
from mahaam.core.payload import clean
from mahaam.jobs.log_line import LogLine, ProgressUpdate
from mahaam.jobs.outcome import Fence
from mahaam.run.run import Run

BUFFER_LINES = 20_000  # of all jobs together, while PostgreSQL is slower than the jobs
LOGGER = "mahaam"  # the logger of the line about left-out lines
LOGGER_LIMIT_BYTES = 200
LEVEL_MAX = 32_767

full = LogThrottle(logging.getLogger("mahaam.job_log"), every_s=10.0)


class LogBuffer:
    """Lines in the order in which they were logged, and the newest progress of each attempt.

    Every method is safe in any greenlet and thread, and none waits for anything.
    """

    def __init__(self) -> None:
        self._lines: deque[LogLine] = deque()
        self._progress: dict[Fence, ProgressUpdate] = {}

    def line(
        self,
        run: Run,
        level: int,
        message: str,
        *,
        logger: str | None = None,
        at: float | None = None,
    ) -> None:
        """Buffer a line. A line beyond the limits is only counted.

        `at` is when it was logged, by the monotonic clock; now if None.
        """
        settings = get_settings()
        number = next(run.line_numbers)
        if number > settings.job_log_lines:
            run.lines_left_out += 1
        elif len(self._lines) >= BUFFER_LINES:
            run.lines_left_out += 1
            full.warn("Jobs say more than can be written down; lines are left out.")
        else:
            message = clean(message, settings.job_log_line_bytes)
            self._keep(run, number, level, message, logger, at=at)

    def end(self, run: Run) -> None:
        """Add a line that says how many lines of an attempt were left out."""
        sentence = (
            f"{run.lines_left_out} lines were left out: beyond JOB_LOG_LINES "
            f"({get_settings().job_log_lines}), or said faster than they could be written."
        )
        run.lines_left_out = 0
        self._keep(run, next(run.line_numbers), logging.WARNING, sentence, LOGGER)

    def progress(self, run: Run, percent: int, words: str | None) -> None:
        """Buffer the progress of an attempt."""
        self._progress[run.claim.fence] = ProgressUpdate(run.claim, percent, words)

    def take_lines(self, most: int) -> list[LogLine]:
        """Take out up to `most` of the oldest lines. Return them in order."""
        return [self._lines.popleft() for _ in range(min(most, len(self._lines)))]

    def take_progress(self) -> list[ProgressUpdate]:
        """Take out the newest progress of each attempt. Return the list."""
        return [self._progress.popitem()[1] for _ in range(len(self._progress))]

    def give_back(self, lines: Sequence[LogLine]) -> None:
        """Put lines back that could not be written."""
        self._lines.extendleft(reversed(lines))

    def give_back_progress(self, progress: Sequence[ProgressUpdate]) -> None:
        """Put back progress that could not be written, unless there is a newer one."""
        for word in progress:
            self._progress.setdefault(word.claim.fence, word)

    def _keep(
        self,
        run: Run,
        number: int,
        level: int,
        message: str,
        logger: str | None,
        *,
        at: float | None = None,
    ) -> None:
        level = max(0, min(int(level), LEVEL_MAX))
        logger = logger and clean(logger, LOGGER_LIMIT_BYTES)
        id_, attempt = run.claim.fence
        at = time.monotonic() if at is None else at
        self._lines.append(LogLine(id_, attempt, number, at, level, logger, message))


said = LogBuffer()
