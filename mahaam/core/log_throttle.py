"""Keeps warnings from being written a thousand times a second.

OncePerCause is for the lines of a consumer, LogThrottle for what any process warns of, a user's own as well.
What is CRITICAL is written each time: a job failed for good, or the process ends.
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
    """`extra=` of a log call whose cause is finer than its sentence."""
    return {"cause": parts}


class OncePerCause(logging.Filter):
    """Of our own warnings and errors, the first of a cause in ten seconds.

    Without a word of the caller's, the cause is the sentence and the kind of the exception. The next
    line says how many were left out (`left_out` of the record).
    """

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[object, tuple[float, int]] = {}  # until when, and how many were left out

    def filter(self, record: logging.LogRecord) -> bool:
        """Return True if the record is to be written."""
        if record.levelno not in LIMITED or record.name.partition(".")[0] not in OWN:
            return True
        key, now = _cause_of(record), time.monotonic()
        until, left_out = self._said.get(key, (0.0, 0))
        if now < until:
            self._said[key] = (until, left_out + 1)
            return False
        if len(self._said) >= MOST:
            self._said = {known: said for known, said in self._said.items() if said[0] > now}
        self._said[key] = (now + EVERY_S, 0)
        record.left_out = left_out
        return True


class LogThrottle:
    """Write a warning at most once in `every_s` seconds."""

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


# One for all parts of a process: each of them meets a Redis that is away, or cannot write.
redis_away = LogThrottle(logging.getLogger("mahaam.redis"), every_s=10.0)
