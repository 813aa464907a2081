"""Latency stats of a consumer's jobs: how many completed, how long they waited and ran.

The stats are counted here and written every second. The exchange, which every job passes, does not
write them: that took a sixth of its time. A consumer that is killed loses the counts since its last
write: a second of statistics, never a job.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial

import gevent
from gevent.lock import Semaphore

from mahaam.core.histogram import bucket_of
from mahaam.core.liveness import get_on
from mahaam.jobs.claim import Claim
from mahaam.jobs.outcome import Ended
from mahaam.jobs.states import State
from mahaam.metrics import store as metrics_store
from mahaam.metrics.store import LatencyRow
from mahaam.postgres.reconnecting import REFUSALS, ConnectionBroken, ReconnectingConnection
from mahaam.run.run import Run

log = logging.getLogger("mahaam.latency_stats")

EVERY_S = 1.0
MINUTES_KEPT = 10  # while PostgreSQL is away; no job is started then

Counts = dict[int, int]  # by histogram bucket


@dataclass(slots=True)
class LatencySample:
    """The counts of one task in one queue in one minute."""

    waits: Counts = field(default_factory=lambda: defaultdict(int))
    runs: Counts = field(default_factory=lambda: defaultdict(int))
    completed: int = 0
    is_new: bool = True  # changed since it was last written


class LatencyStats:
    """The counts of the minutes that are not over or not yet written.

    Minutes are PostgreSQL's, whose time each write returns; until the first one this machine's clock
    is used.
    """

    def __init__(self) -> None:
        self._ahead_s = time.time() - time.monotonic()
        self._kept: dict[tuple[int, str, str, str], LatencySample] = {}

    def note_starts(self, claims: Iterable[Claim]) -> None:
        """Count the waits before first starts only: later starts waited for other reasons."""
        minute = self._minute()
        for claim in claims:
            if claim.attempt == 1 and claim.wait_s is not None:
                self._sample(minute, claim).waits[bucket_of(claim.wait_s * 1000)] += 1

    def note_runs(self, runs: Iterable[Run]) -> None:
        """Count the run times of attempts, except those that were given back."""
        minute = self._minute()
        for run in runs:
            if run.outcome is not None and run.outcome.state is not State.QUEUED:
                took_ms = (run.ended_at - run.started_at) * 1000
                self._sample(minute, run.claim).runs[bucket_of(took_ms)] += 1

    def note_completed(self, written: Iterable[Ended]) -> None:
        """Count the completions among outcomes that were written for the first time."""
        minute = self._minute()
        for claim, outcome in written:
            if outcome.state is State.COMPLETED:
                self._sample(minute, claim).completed += 1

    def rows(self) -> list[LatencyRow]:
        """Return the rows that changed since the last call, in the order of the table's key."""
        rows = []
        for key, sample in sorted(self._kept.items()):
            if sample.is_new:
                sample.is_new = False
                rows.append(LatencyRow(*key, {**sample.waits}, {**sample.runs}, sample.completed))
        return rows

    def written(self, *, epoch_s: float) -> None:
        """Record that the rows are written: drop minutes that are over, store PostgreSQL's time."""
        self._ahead_s = epoch_s - time.monotonic()
        minute = self._minute()
        self._kept = {
            key: sample for key, sample in self._kept.items() if key[0] >= minute or sample.is_new
        }

    def lost(self) -> None:
        """Mark the last minutes as changed: PostgreSQL went away and may have lost the last write."""
        oldest = self._minute() - MINUTES_KEPT
        self._kept = {key: sample for key, sample in self._kept.items() if key[0] > oldest}
        for sample in self._kept.values():
            sample.is_new = True

    def _sample(self, minute: int, claim: Claim) -> LatencySample:
        key = (minute, claim.queue, claim.task, claim.worker_id)
        sample = self._kept.get(key)
        if sample is None:
            sample = self._kept[key] = LatencySample()
        sample.is_new = True
        return sample

    def _minute(self) -> int:
        return int((time.monotonic() + self._ahead_s) // 60)


class LatencyWriter:
    """Writes the latency stats of one consumer, on a connection of its own."""

    def __init__(self, latencies: LatencyStats) -> None:
        self._latency_stats = latencies
        self._link = ReconnectingConnection(
            "mahaam latency stats", timeout_s=10, settings=("SET synchronous_commit = off",)
        )
        self._free = Semaphore()

    def loop(self) -> None:
        """Write the stats every EVERY_S, for ever."""
        while True:
            get_on()
            self.write()
            gevent.sleep(EVERY_S)

    def write(self) -> None:
        """Write the counts so far. While PostgreSQL is away they are kept."""
        with self._free:
            try:
                self._latency_stats.written(epoch_s=self._write(self._latency_stats.rows()))
            except ConnectionBroken:
                self._latency_stats.lost()

    def _write(self, rows: list[LatencyRow]) -> float:
        """Write rows, one by one if PostgreSQL refuses some. Return PostgreSQL's epoch."""
        try:
            return self._link.run(partial(metrics_store.write_latencies, rows=rows))
        except REFUSALS as fault:
            if len(rows) == 1:
                log.error(
                    "A figure of a task cannot be kept. task=%s fault=%s", rows[0].task, fault
                )
                return self._write([])
            return max(self._write([row]) for row in rows)
