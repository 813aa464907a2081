"""A warning that is repeated in the log, but not a thousand times a second."""

from __future__ import annotations

import logging
import time


class Complaint:
    """Says a warning at most once in `every_s` seconds."""

    def __init__(self, log: logging.Logger, *, every_s: float) -> None:
        self._log = log
        self._every_s = every_s
        self._next_at = 0.0

    def say(self, sentence: str, *values: object) -> None:
        """Log the warning, unless it was logged a moment ago."""
        now = time.monotonic()
        if now >= self._next_at:
            self._next_at = now + self._every_s
            self._log.warning(sentence, *values)


# One for all parts of a process: each of them meets a Redis that is away, or cannot write.
redis_away = Complaint(logging.getLogger("mahaam.redis"), every_s=10.0)
