"""The steps of pruning: small, with pauses, never holding locks for long."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from mahaam.jobs.states import FINAL
from mahaam.live_settings import current
from mahaam.operations import pruning as old_operations
from mahaam.postgres.database import Cursor
from mahaam.postgres.reconnecting import ConnectionBroken, ReconnectingConnection
from mahaam.set_aside import isolate
from mahaam.store import pruning
from mahaam.store.pruning import PruneStep, Retention

log = logging.getLogger("mahaam.maintenance")

LARGEST, SMALLEST, FIRST = 1000, 10, 100
WANTED_S = 0.05  # half of what a lock may be held for
AFTER_FAULT_S = 10.0
REST_S = 60.0  # between two passes, and when another consumer takes the steps


class Pruner:
    """One consumer's steps of the pass that all share; a step grows while it is fast enough.

    `prune` takes a step of at most `limit` rows and returns None if another consumer is pruning.
    `find` returns the keys of the step.
    """

    def __init__(
        self, prune: Callable[..., PruneStep | None], find: Callable[..., list[str]], what: str
    ) -> None:
        self._prune = prune
        self._find = find
        self._what = what
        self._limit = FIRST
        self._next_at = 0.0
        self._deleted = 0

    def step(self, link: ReconnectingConnection) -> None:
        """Take the next step, if it is due."""
        if time.monotonic() < self._next_at:
            return
        began_at = time.monotonic()
        try:
            steps = isolate.handle(
                partial(link.run, atomic=True),
                f"delete {self._what.lower()}",
                partial(self._prune, limit=self._limit),
                find=partial(self._find, limit=self._limit),
            )
        except ConnectionBroken:  # perhaps the step was too large: logs are deleted with their jobs
            self._limit = max(SMALLEST, self._limit // 2)
            self._next_at = time.monotonic() + AFTER_FAULT_S
            raise
        self._adapt(time.monotonic() - began_at)
        self._deleted += sum(step.deleted for step in steps if step)
        if steps and (steps[0] is None or steps[0].is_over):
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
    """Return the pruners of jobs and operations, which read their retention from the settings."""
    return (
        Pruner(_prune_jobs, _find_jobs, "Jobs"),
        Pruner(_prune_operations, _find_operations, "Operations"),
    )


def _prune_jobs(cursor: Cursor, **wanted: Any) -> PruneStep | None:
    return pruning.prune(cursor, retention(), **wanted)


def _find_jobs(cursor: Cursor, **wanted: Any) -> list[str]:
    return pruning.find(cursor, retention(), **wanted)


def _prune_operations(cursor: Cursor, **wanted: Any) -> PruneStep:
    return old_operations.prune(cursor, days=_operations_days(), **wanted)


def _find_operations(cursor: Cursor, *, but: Sequence[str], **_wanted: Any) -> list[str]:
    return old_operations.find(cursor, days=_operations_days(), but=but)


def _operations_days() -> int:
    return int(current.value("retention_operations_days"))


def retention() -> Retention:
    """Return how long jobs are kept, by the current settings."""
    by_state = {str(state): current.value(f"retention_{state}_days") for state in FINAL}
    return Retention(by_state, current.value("retention_by_task"))
