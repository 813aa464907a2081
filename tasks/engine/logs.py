"""How processes write their log: sentences with key=value, or the same as JSON."""

from __future__ import annotations

import json
import logging
import sys
import time


class JsonFormatter(logging.Formatter):
    """One JSON object per line: time, level, logger, message, and the traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON."""
        fields = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%SZ"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=False)


def set_up_logging(level: str, form: str) -> None:
    """Log to standard error, times in UTC. Huey's two lines per job appear only at DEBUG.

    The level is the handler's and that of our own loggers: of what tasks log, a job's log may
    keep more than is printed.
    """
    logging.Formatter.converter = time.gmtime
    text = logging.Formatter(
        "%(asctime)sZ %(levelname)-8s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%S"
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else text)
    handler.setLevel(level)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("mahaam").setLevel(level)
    if level != "DEBUG":
        logging.getLogger("huey").setLevel(logging.WARNING)
