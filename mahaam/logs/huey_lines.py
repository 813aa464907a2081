"""Filter of Huey's log lines that an operator need not see: what goes as planned is no warning."""

from __future__ import annotations

import logging

# Huey warns of these for every job; our own lines say how the job ended, with a level of their own.
PLANNED = (
    "Unhandled exception in task %s.",
    "Task %s timed out after %ss.",
    "Task %s was revoked, not executing",
    "Task %s not run, %s.",
    "Task %s raised CancelExecution %s.",
    "Task %s cancelled by %s (pre-execute).",
    "Received exit signal, %s did not finish.",
)


class LowerHueysLevels(logging.Filter):
    """A filter that lowers such lines to DEBUG; they are written when that is the level."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return True if the record is to be written."""
        if record.msg not in PLANNED:
            return True
        record.levelno, record.levelname = logging.DEBUG, "DEBUG"
        return logging.getLogger(record.name).isEnabledFor(logging.DEBUG)
