"""Takes the steps of pruning: small ones, with pauses, never one that holds locks for long."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from tasks.engine import live_settings
from tasks.engine.database import Cursor
from tasks.engine.link import Link, LinkBroken
from tasks.engine.states import FINAL
from tasks.engine.store import old_operations, pruning
from tasks.engine.store.pruning import Retention, Step

log = logging.getLogger("mahaam.upkeep")

LARGEST, SMALLEST, FIRST = 1000, 10, 100
WANTED_S = 0.05  # half of what a lock may be held for
AFTER_FAULT_S = 10.0
REST_S = 60.0  # between two passes, and when another consumer takes the steps


class Pruner:
    """One consumer's part in the pass that all share; a step grows while it is fast enough.

    `prune` takes a step of at most so many rows; None: another consumer does.
    """

    def __init__(self, prune: Callable[[Cursor, int], Step | None], what: str) -> None:
        self._prune = prune
        self._what = what
        self._limit = FIRST
        self._next_at = 0.0
        self._deleted = 0

    def step(self, link: Link) -> None:
        """Take the next step, if it is time."""
        if time.monotonic() < self._next_at:
            return
        began_at = time.monotonic()
        try:
            step = link.run(lambda cursor: self._prune(cursor, self._limit), atomic=True)
        except LinkBroken:  # perhaps the step was too large: jobs take their logs along
            self._limit = max(SMALLEST, self._limit // 2)
            self._next_at = time.monotonic() + AFTER_FAULT_S
            raise
        self._adapt(time.monotonic() - began_at)
        self._deleted += step.deleted if step else 0
        if step is None or step.is_over:
            self._rest()

    def _adapt(self, took_s: float) -> None:
        factor = 0.5 if took_s > WANTED_S else 2.0 if took_s < WANTED_S / 3 else 1.0
        self._limit = int(min(LARGEST, max(SMALLEST, self._limit * factor)))

    def _rest(self) -> None:
        self._next_at = time.monotonic() + REST_S
        if self._deleted:
            log.info("%s deleted whose time was over. count=%s", self._what, self._deleted)
        self._deleted = 0


def pruners() -> tuple[Pruner, ...]:
    """For all that is deleted after a time, as the settings say it now."""
    return Pruner(_prune_jobs, "Jobs"), Pruner(_prune_operations, "Operations")


def _prune_jobs(cursor: Cursor, limit: int) -> Step | None:
    return pruning.prune(cursor, retention(), limit=limit)


def _prune_operations(cursor: Cursor, limit: int) -> Step:
    days = live_settings.value("retention_operations_days")
    return old_operations.prune(cursor, days=days, limit=limit)


def retention() -> Retention:
    """How long jobs are kept, as the settings say now."""
    by_state = {str(state): live_settings.value(f"retention_{state}_days") for state in FINAL}
    return Retention(by_state, live_settings.value("retention_by_task"))
