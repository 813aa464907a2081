"""How long the jobs of a consumer waited and ran, counted in memory and written every few seconds.

The exchange, which every job passes, writes nothing of it. A consumer that is killed loses what it
has counted since its last writing: seconds of a statistic, never a job.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from typing import NamedTuple

import gevent
from gevent.lock import Semaphore

from tasks.engine.buckets import bucket_of
from tasks.engine.claim import Claim
from tasks.engine.lease import Lease
from tasks.engine.link import REFUSALS, Link, LinkBroken
from tasks.engine.running.run import Run
from tasks.engine.states import State
from tasks.engine.store import rollups
from tasks.engine.store.rollups import SpreadRow

log = logging.getLogger("mahaam.spreads")

EVERY_S = 5.0
MINUTES_KEPT = 10  # while PostgreSQL is away; nothing is started then

Counts = dict[int, int]  # by bucket


class Spread(NamedTuple):
    """Of one task in one queue in one minute."""

    waits: Counts
    runs: Counts


class Spreads:
    """The minutes that are not written to their end yet.

    Minutes are PostgreSQL's, which each writing tells; this machine's clock serves until the first.
    """

    def __init__(self) -> None:
        self._ahead_s = time.time() - time.monotonic()
        self._kept: dict[tuple[int, str, str], Spread] = {}

    def note_starts(self, claims: Iterable[Claim]) -> None:
        """Count the waits before first starts; what is started again waited for other reasons."""
        minute = self._minute()
        for claim in claims:
            if claim.attempt == 1 and claim.wait_s is not None:
                self._spread(minute, claim).waits[bucket_of(claim.wait_s * 1000)] += 1

    def note_runs(self, runs: Iterable[Run]) -> None:
        """Count how long attempts ran, except those that were given back."""
        minute = self._minute()
        for run in runs:
            if run.outcome is not None and run.outcome.state is not State.QUEUED:
                took_ms = (run.ended_at - run.started_at) * 1000
                self._spread(minute, run.claim).runs[bucket_of(took_ms)] += 1

    def rows(self) -> list[SpreadRow]:
        """Everything that is kept, in the order of the table's key."""
        return [
            SpreadRow(*key, dict(spread.waits), dict(spread.runs))
            for key, spread in sorted(self._kept.items())
        ]

    def written(self, rows: list[SpreadRow], *, epoch_s: float) -> None:
        """Forget the minutes that were over before they were written; note PostgreSQL's time."""
        self._ahead_s = epoch_s - time.monotonic()
        for row in rows:
            if row.minute < self._minute():
                self._kept.pop((row.minute, row.queue, row.task), None)

    def drop_old(self) -> None:
        """Keep no more than the last minutes."""
        oldest = self._minute() - MINUTES_KEPT
        self._kept = {key: spread for key, spread in self._kept.items() if key[0] > oldest}

    def _spread(self, minute: int, claim: Claim) -> Spread:
        key = (minute, claim.queue, claim.task)
        spread = self._kept.get(key)
        if spread is None:
            spread = self._kept[key] = Spread(defaultdict(int), defaultdict(int))
        return spread

    def _minute(self) -> int:
        return int((time.monotonic() + self._ahead_s) // 60)


class SpreadWriter:
    """Writes the spreads of one consumer, on a connection of its own."""

    def __init__(self, spreads: Spreads, lease: Lease) -> None:
        self._spreads = spreads
        self._lease = lease
        self._link = Link(
            "mahaam spreads", timeout_s=10, settings=("SET synchronous_commit = off",)
        )
        self._free = Semaphore()

    def loop(self) -> None:
        """Write, for ever."""
        while True:
            self.write()
            gevent.sleep(EVERY_S)

    def write(self) -> None:
        """Write what was counted until now; kept when PostgreSQL is away."""
        with self._free:
            rows = self._spreads.rows()
            write = partial(rollups.write_spreads, rows=rows, worker_id=self._lease.worker_id)
            try:
                self._spreads.written(rows, epoch_s=self._link.run(write, atomic=True))
            except LinkBroken:
                self._spreads.drop_old()
            except REFUSALS:
                log.exception("PostgreSQL refused how long jobs waited and ran; it is left out.")
