"""Standard output and error, which all tasks of a process share, and their repair after a task."""

from __future__ import annotations

import io
import logging
import os
import sys
from typing import TextIO

from gevent import monkey

from mahaam.run.log_buffer import LOGGER, said
from mahaam.run.run import Run

NAMES = {1: "stdout", 2: "stderr"}
SPOILT = (
    "The task closed or replaced %s, which all jobs of this process share; it is as before again. "
    "Mark the task cpu_bound=True if it needs streams of its own."
)

log = logging.getLogger("mahaam.streams")


class Streams:
    """The streams as they were at the start of this process."""

    def __init__(self) -> None:
        self._streams = {number: getattr(sys, name) for number, name in NAMES.items()}
        self._copies = {number: _copy(number) for number in NAMES}
        self._poll = monkey.get_original(
            "select", "poll"
        )()  # finds closed ones among both in one call
        for number in NAMES:
            self._poll.register(number, 0)

    def mend(self, run: Run, *, is_alone: bool) -> None:
        """Repair the streams after a task that has returned, with a line in its job's log.

        A replaced stream may be the replacement of another task, which will restore the stream itself:
        the replacement stays unless it is closed or the task `is_alone`.
        """
        if self._are_as_before():
            return
        for number, name in NAMES.items():
            if self._is_sound(number, getattr(sys, name, None), is_alone=is_alone):
                continue
            self._restore(number, name)
            said.line(run, logging.WARNING, SPOILT % name, logger=LOGGER)
            log.warning(f"{SPOILT} job=%s task=%s", name, run.claim.id, run.claim.task)

    def _are_as_before(self) -> bool:
        """Return True if the streams are unchanged. A quick check, because each job makes it."""
        out, err = self._streams[1], self._streams[2]
        if sys.stdout is not out or sys.stderr is not err or out is None or err is None:
            return False
        return not out.closed and not err.closed and not self._poll.poll(0)

    def _is_sound(self, number: int, stream: object, *, is_alone: bool) -> bool:
        if not _is_open(number) and self._copies[number] is not None:
            return False
        if stream is self._streams[number]:
            return not getattr(stream, "closed", False)
        return not is_alone and not _is_closed(stream)

    def _restore(self, number: int, name: str) -> None:
        copy = self._copies[number]
        if copy is not None and not _is_open(number):
            os.dup2(copy, number)
        if _is_closed(self._streams[number]):
            self._streams[number] = _anew(number)
        setattr(sys, name, self._streams[number])


def _is_closed(stream: object) -> bool:
    """Return True if a stream, which may be any object, seems to be closed."""
    try:
        return stream is None or bool(getattr(stream, "closed", False))
    except BaseException:  # noqa: BLE001 (a task may have put any object there)
        return True


def _is_open(number: int) -> bool:
    try:
        os.get_inheritable(number)  # the cheapest call that fails for a closed one
    except OSError:
        return False
    return True


def _copy(number: int) -> int | None:
    return os.dup(number) if _is_open(number) else None


def _anew(number: int) -> TextIO:
    raw = io.FileIO(number, "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding="utf-8", errors="backslashreplace", line_buffering=True
    )
