"""Set-up of the processes' logs: sentences with key=value, or the same as JSON."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from types import TracebackType
from typing import Any, TextIO

import gevent

from mahaam.core import plain_text
from mahaam.core.errors import TaskStopped
from mahaam.core.exception_text import LINE_LIMIT_BYTES, class_name, shown, traceback_of
from mahaam.core.log_throttle import OncePerCause
from mahaam.core.payload import clean
from mahaam.logs.huey_lines import LowerHueysLevels
from mahaam.redaction.redact import masked_for_log

log = logging.getLogger("mahaam.logs")

OWN = ("mahaam", "huey")
TEXT = "%(asctime)sZ %(levelname)-8s %(name)s %(message)s"
TIME = "%Y-%m-%dT%H:%M:%S"

_handler: logging.Handler | None = None  # ours; None in a process that has not set up its log
_level = logging.WARNING
_kept: list[logging.Handler] = []  # further handlers of the root, which must stay


class TextFormatter(logging.Formatter):
    """Formats any record: what cannot be formatted is shown as it was given."""

    converter = time.gmtime  # type: ignore[assignment]

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a line."""
        return _encodable(super().format(_readable(record)))

    def formatException(self, ei: Any) -> str:  # noqa: N802 (logging's own name)
        """Return the traceback, cut to a size, whatever the exception does when it is printed."""
        if ei[1] is None:
            return ""
        return _safe_lines(traceback_of(ei[1], LINE_LIMIT_BYTES, is_quoted=True))

    def formatStack(self, stack_info: str) -> str:  # noqa: N802 (logging's own name)
        """Return the stack, as safe as a traceback."""
        return _safe_lines(stack_info)


class JsonFormatter(TextFormatter):
    """One JSON object per line: time, level, logger, message, and the traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as JSON."""
        record = _readable(record)
        fields = {
            "time": self.formatTime(record, f"{TIME}Z"),
            "level": record.levelname,
            "logger": str(record.name),
            "message": record.getMessage(),
        }
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        if record.stack_info:
            fields["stack"] = self.formatStack(record.stack_info)
        return _encodable(plain_text.in_json(json.dumps(fields, ensure_ascii=False)))


class LogHandler(logging.StreamHandler[Any]):
    """A handler that writes to the standard error of the start.

    It writes nothing but whole lines of our format.
    """

    def handleError(self, _record: logging.LogRecord) -> None:  # noqa: N802 (logging's own name)
        """Do nothing: the stream is gone, and `logging` would print a traceback to it."""


def set_up_logging(level: str, form: str) -> None:
    """Log to standard error, times in UTC; of Huey only what an operator should see.

    The level is the handler's and that of our own loggers: of what tasks log, a job's log may
    keep more than is printed.
    """
    global _handler, _level
    _handler, _level = LogHandler(_own_stream()), logging.getLevelNamesMapping()[level]
    _handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter(TEXT, TIME))
    _handler.setLevel(_level)
    _handler.addFilter(OncePerCause())
    _kept.clear()
    logging.basicConfig(level=_level, handlers=[_handler], force=True)
    logging.getLogger("mahaam").setLevel(_level)
    logging.getLogger("huey").addFilter(LowerHueysLevels())
    if _level > logging.DEBUG:
        logging.getLogger("huey").setLevel(logging.WARNING)
    sys.excepthook = _log_unhandled
    threading.excepthook = _log_unhandled_in_thread


def set_up_for_commands() -> None:
    """Print warnings to standard error as bare sentences, as Python does where no log is set up."""
    handler = logging.StreamHandler()
    handler.setFormatter(TextFormatter("%(message)s"))
    handler.setLevel(logging.WARNING)
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    sys.excepthook = _log_unhandled


def format_also(*names: str) -> None:
    """Have the handlers that others gave to these loggers write in our format."""
    if _handler is not None:
        for handler in (handler for name in names for handler in logging.getLogger(name).handlers):
            handler.setFormatter(_handler.formatter)


def _own_stream() -> TextIO:
    """Return a stream of our own to standard error, which stays when a task closes or replaces that."""
    try:
        number = os.dup(sys.stderr.fileno())
    except (OSError, ValueError, AttributeError):  # it is closed, or no file
        return sys.stderr
    return os.fdopen(number, "w", buffering=1, encoding="utf-8", errors="backslashreplace")


def keep(handler: logging.Handler) -> None:
    """Have one more handler at the root logger, which stays there."""
    _kept.append(handler)
    logging.getLogger().addHandler(handler)


def restore() -> bool:
    """Restore what a module of the user's has removed. Return True if anything was.

    `logging.config.dictConfig` disables existing loggers and empties the root logger. A root logger
    that has got handlers of the user's own keeps them: our handler then is attached to our own
    loggers alone.
    """
    if _handler is None:
        return False
    found = _enable_own()
    root = logging.getLogger()
    for handler in _kept:
        if handler not in root.handlers:
            root.addHandler(handler)
            root.setLevel(min(root.level, handler.level))
            found = True
    if _handler in root.handlers or _is_bare(root):
        return _attach(root, propagate=True) or found
    return _attach(*map(logging.getLogger, OWN), propagate=False) or found


def format_now(record: logging.LogRecord) -> str:
    """Return a record as our handler would write it: for signal handlers, which must take no lock."""
    return (_handler or LogHandler()).format(record)


def _enable_own() -> bool:
    """Enable our loggers, and let them propagate to the top one. Return True if any was changed."""
    found = False
    for name, logger in list(logging.Logger.manager.loggerDict.items()):
        top, _, rest = name.partition(".")
        if top not in OWN or not isinstance(logger, logging.Logger):
            continue
        found = found or logger.disabled or bool(rest and not logger.propagate)
        logger.disabled = False
        logger.propagate = logger.propagate or bool(rest)
    return found


def _is_bare(root: logging.Logger) -> bool:
    return all(handler in _kept for handler in root.handlers)


def _attach(*loggers: logging.Logger, propagate: bool) -> bool:
    """Attach our handler to these, and let the top ones of ours propagate to the root, or not.

    Return True if anything was changed.
    """
    found = False
    for logger in loggers:
        if _handler is not None and _handler not in logger.handlers:
            logger.addHandler(_handler)
            found = True
    for logger in map(logging.getLogger, OWN):
        found = found or logger.propagate != propagate
        logger.propagate = propagate
    return found


def _readable(record: logging.LogRecord) -> logging.LogRecord:
    """Return the record, with a message that can be formatted, and how many like it were left out."""
    try:
        message = clean(str(record.getMessage()), LINE_LIMIT_BYTES)
    except (TaskStopped, gevent.Timeout):  # not the value's doing: the task is interrupted here
        raise
    except BaseException as fault:  # noqa: BLE001 (a logged value may do anything when it is printed)
        message = f"{_shown(record.msg)} {_shown(record.args)} (not formatted: {class_name(fault)})"
    if left_out := getattr(record, "left_out", 0):
        message += f" ({left_out} more like it since the last one)"
    copy = logging.makeLogRecord(record.__dict__)
    copy.msg, copy.args = plain_text.in_one_line(masked_for_log(message)), None
    copy.name = plain_text.in_one_line(str(record.name))
    copy.exc_text = None  # somebody else's formatter may have left it, with secrets
    return copy


def _safe_lines(text: str) -> str:
    """Return a traceback without secrets; none of its lines can be taken for a record of its own."""
    first, *lines = plain_text.in_lines(masked_for_log(text)).rstrip("\n").split("\n")
    return "\n".join([first, *(line if line[:1] == " " else f"  {line}" for line in lines)])


def _shown(value: object) -> str:
    return clean(value, LINE_LIMIT_BYTES) if isinstance(value, str) else shown(value)


def _encodable(line: str) -> str:
    """Return the line with lone surrogates, which no stream takes, as text."""
    return line.encode("utf-8", "backslashreplace").decode("utf-8")


def _log_unhandled(
    kind: type[BaseException], fault: BaseException, trace: TracebackType | None
) -> None:
    log.critical("The process ends by an exception.", exc_info=(kind, fault, trace))


def _log_unhandled_in_thread(arguments: threading.ExceptHookArgs) -> None:
    fault = arguments.exc_value or arguments.exc_type()
    log.error(
        "A thread ended by an exception. thread=%s",
        arguments.thread and arguments.thread.name,
        exc_info=(arguments.exc_type, fault, arguments.exc_traceback),
    )
