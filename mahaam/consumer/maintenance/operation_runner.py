"""The execution of operations on many jobs; all consumers work on them side by side."""

from __future__ import annotations

import logging
import math
import time

import gevent

from mahaam.core.errors import DatabaseUnavailable
from mahaam.core.liveness import get_on
from mahaam.core.log_throttle import LogThrottle, cause
from mahaam.failures import redrives
from mahaam.operations import lifecycle
from mahaam.operations.stalled import stalled_operations
from mahaam.postgres import database
from mahaam.postgres.ask import by_cursor

log = logging.getLogger("mahaam.operations")

LOOK_S = 0.5
ADVANCE_S = 1.0
BREATH_S = 0.005  # between two batches, so that jobs start beside a long operation
CHUNK_S = 0.3  # no batch shall hold its locks for much longer
CHUNK_LEAST, CHUNK_MOST = 50, lifecycle.CHUNK
ASIDE_S = 2.0  # before an operation is retried whose batch was given up; others go on meanwhile
CHECK_S = 5.0  # between checks for operations that do not move
REMIND_S = 30.0  # between two log lines about the same one

waits = LogThrottle(log, every_s=10.0)


class OperationRunner:
    """A loop that works on operations, one batch after the other."""

    def __init__(self) -> None:
        self._is_over = False
        self._chunk = CHUNK_MOST
        self._advance_at = 0.0
        self._aside: dict[int, float] = {}  # operations whose batch was given up, until when
        self._check_at = time.monotonic() + CHECK_S
        self._reminded: dict[int, float] = {}  # operations that do not move, and when logged

    def loop(self) -> None:
        """Work until `end` is called."""
        while not self._is_over:
            get_on()
            self._advance_redrives()
            self._check()
            gevent.sleep(BREATH_S if self._work() else LOOK_S)

    def end(self) -> None:
        """Take no further batch. Another consumer goes on with the rest."""
        self._is_over = True

    def _advance_redrives(self) -> None:
        """Begin the next phase of re-drives that are due for it."""
        if time.monotonic() < self._advance_at:
            return
        self._advance_at = time.monotonic() + ADVANCE_S
        try:
            redrives.advance_redrives()
        except DatabaseUnavailable as fault:
            waits.warn("Re-drives wait for PostgreSQL. fault=%s", fault)
        except Exception:  # operations go on
            log.exception("Re-drives could not be advanced; trying again.")

    def _check(self) -> None:
        """Log which operations do not move, each at most twice a minute."""
        now = time.monotonic()
        if now < self._check_at:
            return
        self._check_at = now + CHECK_S
        try:
            stalled = database.repeatable(lambda cursor: stalled_operations(by_cursor(cursor)))
        except DatabaseUnavailable as fault:
            waits.warn("Operations wait for PostgreSQL. fault=%s", fault)
            return
        self._reminded = {op.id: self._reminded[op.id] for op in stalled if op.id in self._reminded}
        for op in stalled:
            if now >= self._reminded.get(op.id, -math.inf) + REMIND_S:
                self._reminded[op.id] = now
                log.warning(
                    "An operation does not move. operation=%s verb=%s state=%s for_s=%.0f",
                    op.id, op.verb, op.state, op.still_s, extra=cause(op.id),
                )  # fmt: skip

    def _work(self) -> bool:
        began_at = time.monotonic()
        self._aside = {id_: until for id_, until in self._aside.items() if until > began_at}
        try:
            was_any = lifecycle.work_on_next(chunk=self._chunk, but=list(self._aside))
        except lifecycle.ChunkGivenUp as fault:
            self._aside[fault.operation_id] = time.monotonic() + ASIDE_S
            self._chunk = next_chunk(self._chunk, time.monotonic() - began_at)
            waits.warn(
                "An operation waits for PostgreSQL or for somebody's lock. operation=%s fault=%s",
                fault.operation_id, fault,
            )  # fmt: skip
            return True
        except DatabaseUnavailable as fault:
            waits.warn("An operation waits for PostgreSQL or for somebody's lock. fault=%s", fault)
            return False
        except Exception:  # the operation could not even be aborted
            log.exception("An operation could not be worked on; trying again.")
            return False
        if was_any:
            self._chunk = next_chunk(self._chunk, time.monotonic() - began_at)
        return was_any


def next_chunk(chunk: int, took_s: float) -> int:
    """Return the size of the next batch, after `chunk` took `took_s`: smaller for a busy database."""
    fitting = int(chunk * CHUNK_S / max(took_s, 0.001))
    return max(CHUNK_LEAST, min(CHUNK_MOST, fitting, 2 * chunk))
