"""Takes the steps of pruning: small ones, with pauses, never one that holds locks for long."""

from __future__ import annotations

import logging
import time
from functools import partial

from tasks.engine import live_settings
from tasks.engine.link import Link
from tasks.engine.states import FINAL
from tasks.engine.store.pruning import Retention, prune

log = logging.getLogger("mahaam.upkeep")

LARGEST, SMALLEST, FIRST = 1000, 10, 100
WANTED_S = 0.05  # half of what a lock may be held for
REST_S = 60.0  # between two passes, and when another consumer takes the steps


class Pruner:
    """One consumer's part in the pass that all share; a step grows while it is fast enough."""

    def __init__(self) -> None:
        self._limit = FIRST
        self._next_at = 0.0
        self._deleted = 0

    def step(self, link: Link) -> None:
        """Take the next step, if it is time."""
        if time.monotonic() < self._next_at:
            return
        began_at = time.monotonic()
        step = link.run(partial(prune, retention=retention(), limit=self._limit), atomic=True)
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
            log.info("Jobs deleted whose time was over. jobs=%s", self._deleted)
        self._deleted = 0


def retention() -> Retention:
    """How long jobs are kept, as the settings say now."""
    by_state = {str(state): live_settings.value(f"retention_{state}_days") for state in FINAL}
    return Retention(by_state, live_settings.value("retention_by_task"))
