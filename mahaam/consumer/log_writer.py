"""The loop that writes log lines and progress of running jobs, twice a second."""

from __future__ import annotations

import logging
from functools import partial

import gevent
from gevent.lock import Semaphore
from psycopg2.errors import UniqueViolation

from mahaam.core.liveness import get_on
from mahaam.jobs.log_line import LogLine, ProgressUpdate
from mahaam.jobs.outcome import Fence
from mahaam.postgres.reconnecting import REFUSALS, ConnectionBroken, ReconnectingConnection
from mahaam.run.hooks import hooks
from mahaam.run.log_buffer import said
from mahaam.store import logs, progress

log = logging.getLogger("mahaam.log_writer")

EVERY_S = 0.5
LOCKED_S = 0.02  # no cycle of the dispatcher locks a row for longer
LINES_AT_ONCE = 2000


class LogWriter:
    """Writes log lines and progress of all jobs of a consumer, in batches.

    It has a connection of its own, which is opened for the first line or progress: so they reach
    PostgreSQL whatever else the consumer waits for.
    """

    def __init__(self) -> None:
        self._link = ReconnectingConnection(
            "mahaam log writer", timeout_s=10, settings=("SET synchronous_commit = off",)
        )
        self._free = Semaphore()
        self._again = False  # whether the next lines may have been written already

    def loop(self) -> None:
        """Write the buffered lines and progress, for ever."""
        while True:
            gevent.sleep(EVERY_S)
            get_on()
            self.write()

    def write(self) -> None:
        """Write everything that is buffered. While PostgreSQL is away the buffer is kept."""
        with self._free:
            try:
                self._write_progress()
                self._write_lines()
            except ConnectionBroken:
                return
            except REFUSALS:
                log.exception("PostgreSQL refused what jobs said; it is left out.")

    def _write_progress(self) -> None:
        left = self._wrote(said.take_progress())
        if left:  # their attempts are over, or their rows were locked a moment ago
            gevent.sleep(LOCKED_S)
            self._wrote(left)

    def _wrote(self, words: list[ProgressUpdate]) -> list[ProgressUpdate]:
        """Write progress. Return the updates that could not be written."""
        if not words:
            return []
        try:
            fences = self._progress_or_halve(words)
        except ConnectionBroken:
            said.give_back_progress(words)
            raise
        if hooks.is_used:
            hooks.advanced(word for word in words if word.claim.fence in fences)
        return [word for word in words if word.claim.fence not in fences]

    def _write_lines(self) -> None:
        while lines := said.take_lines(LINES_AT_ONCE):
            try:
                self._write_or_halve(lines)
                self._again = False
            except UniqueViolation:  # PostgreSQL lost the start of a job in a crash: same attempt
                self._again = True
                said.give_back(lines)
            except ConnectionBroken:
                self._again = True
                said.give_back(lines)
                raise

    def _write_or_halve(self, lines: list[LogLine]) -> None:
        """Write lines. Halve a batch that PostgreSQL refuses until the refused line is found and dropped."""
        try:
            self._link.run(partial(logs.write, lines=lines, again=self._again))
        except UniqueViolation:
            raise
        except REFUSALS as fault:
            if len(lines) == 1:
                log.error("A line of a job cannot be kept; it is left out. fault=%s", fault)
                return
            half = len(lines) // 2
            self._write_or_halve(lines[:half])
            self._write_or_halve(lines[half:])

    def _progress_or_halve(self, words: list[ProgressUpdate]) -> set[Fence]:
        """Write progress, in halves if PostgreSQL refuses it. Return the fences written or dropped."""
        try:
            return self._link.run(partial(progress.write, said=words))
        except REFUSALS as fault:
            if len(words) == 1:
                log.error("The progress of a job cannot be kept; it is left out. fault=%s", fault)
                return {words[0].claim.fence}
            half = len(words) // 2
            return self._progress_or_halve(words[:half]) | self._progress_or_halve(words[half:])
