"""Throttles for warnings, which otherwise might be written a thousand times a second.

OncePerCause is for the log lines of a consumer, LogThrottle for warnings of any process, a user's own
as well. CRITICAL lines are written each time: a job failed for good, or the process ends.
"""

from __future__ import annotations

import logging
import time
from typing import Any

EVERY_S = 10.0
MOST = 1000  # causes that are remembered
OWN = ("mahaam", "huey")
LIMITED = (logging.WARNING, logging.ERROR)


def cause(*parts: object) -> dict[str, Any]:
    """Return `extra=` for a log call whose cause is finer than its sentence."""
    return {"cause": parts}


class OncePerCause(logging.Filter):
    """A filter that passes, of our own warnings and errors, the first of each cause in ten seconds.

    Unless the caller gives a cause, it is the sentence and the class of the exception. The next
    line contains how many were left out (`left_out` of the record).
    """

    def __init__(self) -> None:
        super().__init__()
        self._logged: dict[object, tuple[float, int]] = {}  # until when, and how many were left out

    def filter(self, record: logging.LogRecord) -> bool:
        """Return True if the record is to be written."""
        if record.levelno not in LIMITED or record.name.partition(".")[0] not in OWN:
            return True
        key, now = _cause_of(record), time.monotonic()
        until, left_out = self._logged.get(key, (0.0, 0))
        if now < until:
            self._logged[key] = (until, left_out + 1)
            return False
        if len(self._logged) >= MOST:
            self._logged = {known: one for known, one in self._logged.items() if one[0] > now}
        self._logged[key] = (now + EVERY_S, 0)
        record.left_out = left_out
        return True


class LogThrottle:
    """A logger of warnings that writes at most one in `every_s` seconds."""

    def __init__(self, log: logging.Logger, *, every_s: float) -> None:
        self._log = log
        self._every_s = every_s
        self._next_at = 0.0

    def warn(self, sentence: str, *values: object) -> None:
        """Log the warning, unless it was logged a moment ago."""
        now = time.monotonic()
        if now >= self._next_at:
            self._next_at = now + self._every_s
            self._log.warning(sentence, *values)


def _cause_of(record: logging.LogRecord) -> object:
    kind = record.exc_info[0] if record.exc_info else None
    return record.name, record.levelno, str(record.msg), kind, getattr(record, "cause", None)


# One for all parts of a process, because each of them meets a Redis that is away or cannot write.
redis_away = LogThrottle(logging.getLogger("mahaam.redis"), every_s=10.0)
