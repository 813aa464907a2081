"""The handler that copies records of the `logging` module to the log of their job."""

from __future__ import annotations

import logging

import gevent

from mahaam.config import get_settings
from mahaam.core.errors import TaskStopped
from mahaam.core.exception_text import class_name, shown
from mahaam.logs import log_setup
from mahaam.run.log_buffer import said
from mahaam.run.run import current_run

OWN = ("mahaam", "huey")  # records of these loggers are about the consumer, not the job
FORMAT = log_setup.TextFormatter("%(message)s")


class JobLogHandler(logging.Handler):
    """Buffers each record for the job whose code made it; does nothing outside of jobs.

    The context variable of `current_job` tells the job: it is set in the task's own greenlet and
    wherever `contextvars.copy_context().run` takes it.
    """

    def handle(self, record: logging.LogRecord) -> bool:
        """Buffer the record, without the handler's lock: there is nothing to protect.

        Return True if a job runs and the filters accept the record.
        """
        run = current_run()
        if run is None or not self.filter(record):
            return False
        try:
            if record.name.partition(".")[0] not in OWN:
                said.line(run, record.levelno, _text(record), logger=record.name)
        except Exception:  # noqa: BLE001 (a strange record must not end the task)
            self.handleError(record)
        return True


def listen() -> None:
    """Handle records of all loggers from JOB_LOG_LEVEL on, whatever the level of the consumer's log."""
    level = logging.getLevelNamesMapping()[get_settings().job_log_level]
    log_setup.keep(JobLogHandler(level))
    root = logging.getLogger()
    root.setLevel(min(root.level, level))


def _text(record: logging.LogRecord) -> str:
    try:
        is_plain = not (record.exc_info or record.exc_text or record.stack_info)
        return record.getMessage() if is_plain else FORMAT.format(record)
    except (TaskStopped, gevent.Timeout):  # not the value's fault: the task is interrupted here
        raise
    except BaseException as fault:  # noqa: BLE001 (a logged value may do anything when it is printed)
        return f"This line cannot be formatted ({class_name(fault)}): {shown(record.msg)}"
