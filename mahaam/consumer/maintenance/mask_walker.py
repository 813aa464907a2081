"""The steps of the scan that hides secrets in old rows from searches."""

from __future__ import annotations

import logging
import time
from functools import partial

from mahaam.postgres.reconnecting import ReconnectingConnection
from mahaam.redaction import old_rows
from mahaam.redaction.redact import hidden_names

log = logging.getLogger("mahaam.maintenance")

LARGEST, SMALLEST, FIRST = 2000, 50, 200
WANTED_S = 0.1
TURN_S = 0.2  # time for steps in each second, so that the other duties go on
LOOK_EVERY_S = 10.0


class MaskWalker:
    """One consumer's steps of the scan that all share; a step grows while it is fast enough."""

    def __init__(self) -> None:
        self._limit = FIRST
        self._looked_at = float("-inf")

    def walk(self, link: ReconnectingConnection) -> None:
        """Begin a scan if new names are to be hidden, and take steps of the current scan for TURN_S."""
        self._begin(link)
        until = time.monotonic() + TURN_S
        while time.monotonic() < until:
            began_at = time.monotonic()
            step = link.run(partial(old_rows.step, limit=self._limit), atomic=True)
            if step is None:
                break
            self._adapt(time.monotonic() - began_at)
            if step.is_over:
                log.info(
                    "What is masked is hidden from searches in old rows, too. rows=%s", step.changed
                )

    def _begin(self, link: ReconnectingConnection) -> None:
        if time.monotonic() - self._looked_at < LOOK_EVERY_S:
            return
        self._looked_at = time.monotonic()
        names = hidden_names()
        if link.run(partial(old_rows.begin, names=names), atomic=True):
            log.info("Hiding secrets in old rows from searches. names=%s", len(names))

    def _adapt(self, took_s: float) -> None:
        factor = 0.5 if took_s > WANTED_S else 2.0 if took_s < WANTED_S / 3 else 1.0
        self._limit = int(min(LARGEST, max(SMALLEST, self._limit * factor)))
