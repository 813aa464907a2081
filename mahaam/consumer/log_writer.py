"""Writes down what running jobs say, twice a second."""

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
LOCKED_S = 0.02  # for longer no turn of the dispatcher holds a row
LINES_AT_ONCE = 2000


class LogWriter:
    """Lines and progress of all jobs of a consumer, in batches.

    It has a connection of its own, which is opened when a job says something for the first time:
    what is said reaches PostgreSQL whatever else the consumer waits for.
    """

    def __init__(self) -> None:
        self._link = ReconnectingConnection(
            "mahaam log writer", timeout_s=10, settings=("SET synchronous_commit = off",)
        )
        self._free = Semaphore()
        self._again = False  # whether the next lines may have been written already

    def loop(self) -> None:
        """Write what was said, for ever."""
        while True:
            gevent.sleep(EVERY_S)
            get_on()
            self.write()

    def write(self) -> None:
        """Write everything that was said until now; kept when PostgreSQL is away."""
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
        if left:  # their attempts are history, or their rows were locked a moment ago
            gevent.sleep(LOCKED_S)
            self._wrote(left)

    def _wrote(self, words: list[ProgressUpdate]) -> list[ProgressUpdate]:
        """Write these; returns those that could not be written."""
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
        """Write lines; in halves when PostgreSQL refuses them, until the one is found and left out."""
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
        """Write progress; the fences of the jobs that are running still, or whose word is left out."""
        try:
            return self._link.run(partial(progress.write, said=words))
        except REFUSALS as fault:
            if len(words) == 1:
                log.error("The progress of a job cannot be kept; it is left out. fault=%s", fault)
                return {words[0].claim.fence}
            half = len(words) // 2
            return self._progress_or_halve(words[:half]) | self._progress_or_halve(words[half:])
