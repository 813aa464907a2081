"""The dump of the stacks of all greenlets and threads to the log, without a lock."""

from __future__ import annotations

import logging
import os
import sys

from gevent.util import format_run_info

from mahaam.logs import log_setup

log = logging.getLogger("mahaam.consumer")


def dump_stacks() -> None:
    """Log the stack of each greenlet. For a signal handler, also while a task computes.

    A handler may interrupt code that holds the lock of the log, so the line is written without it.
    """
    record = log.makeRecord(
        log.name, logging.INFO, __file__, 0, "Stacks of all greenlets and threads.", (), None,
        sinfo="\n".join(format_run_info()),
    )  # fmt: skip
    os.write(
        sys.__stderr__.fileno() if sys.__stderr__ else 2,
        f"{log_setup.format_now(record)}\n".encode(),
    )
