"""Carries out what operators want done to many jobs; any consumer does, side by side with the others."""

from __future__ import annotations

import logging
import time

import gevent

from tasks.engine.complaint import Complaint
from tasks.engine.errors import DatabaseUnavailable
from tasks.engine.verbs import operations, redrives

log = logging.getLogger("mahaam.operations")

LOOK_S = 0.5
ADVANCE_S = 1.0
BREATH_S = 0.005  # between two chunks, so that jobs start beside a long operation
CHUNK_S = 0.3  # no chunk shall hold its locks for much longer
CHUNK_LEAST, CHUNK_MOST = 50, operations.CHUNK

waits = Complaint(log, every_s=10.0)


class Operations:
    """A loop that takes one chunk after the other of whatever is to be done."""

    def __init__(self) -> None:
        self._is_over = False
        self._chunk = CHUNK_MOST
        self._advance_at = 0.0

    def loop(self) -> None:
        """Work until told to end."""
        while not self._is_over:
            self._advance_redrives()
            gevent.sleep(BREATH_S if self._work() else LOOK_S)

    def end(self) -> None:
        """Take no further chunk; another consumer goes on with the rest."""
        self._is_over = True

    def _advance_redrives(self) -> None:
        """Let the next phase of a re-drive begin, if its time has come."""
        if time.monotonic() < self._advance_at:
            return
        self._advance_at = time.monotonic() + ADVANCE_S
        try:
            redrives.advance_redrives()
        except DatabaseUnavailable as fault:
            waits.say("Re-drives wait for PostgreSQL. fault=%s", fault)

    def _work(self) -> bool:
        began_at = time.monotonic()
        try:
            was_any = operations.work_on_next(chunk=self._chunk)
        except DatabaseUnavailable as fault:
            waits.say("An operation waits for PostgreSQL or for somebody's lock. fault=%s", fault)
            return False
        if was_any:
            self._chunk = next_chunk(self._chunk, time.monotonic() - began_at)
        return was_any


def next_chunk(chunk: int, took_s: float) -> int:
    """How many to do next, after `chunk` took so long; a busy database gets smaller ones."""
    fitting = int(chunk * CHUNK_S / max(took_s, 0.001))
    return max(CHUNK_LEAST, min(CHUNK_MOST, fitting, 2 * chunk))
