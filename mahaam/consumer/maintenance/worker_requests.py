"""The requests of operators to a running consumer: resize, be quiet, wake, stop."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from mahaam.consumer.cycle.slots import Slots
from mahaam.postgres.reconnecting import ReconnectingConnection
from mahaam.workers import requests_queries as queries
from mahaam.workers import requests_store as store
from mahaam.workers.lease import Lease

log = logging.getLogger("mahaam.worker_requests")


class WorkerRequests:
    """Reads requests from the worker's row, fulfils them, and writes the result to the row.

    `grow` starts as many greenlets as there are slots.
    """

    def __init__(self, slots: Slots, lease: Lease, *, grow: Callable[[int], None]) -> None:
        self._slots = slots
        self._lease = lease
        self._grow = grow
        self.is_to_stop = False
        self.is_to_be_quiet = False  # set by a signal, which may come at any instant

    def look(self, link: ReconnectingConnection) -> None:
        """Read the request, fulfil it, and record that. Raises ConnectionBroken."""
        worker_id = self._lease.worker_id
        row = link.run(partial(queries.wanted, worker_id=worker_id))
        if row is None or row.state not in ("running", "quiet"):
            return
        self.is_to_stop = self.is_to_stop or row.wanted_state == "stopped"
        if row.wanted_greenlets is not None:
            self._resize(row.wanted_greenlets)
        if row.wanted_state in ("running", "quiet"):
            self._be_quiet(row.wanted_state == "quiet")
        if row[:2] != self._now() or row.wanted_state or row.wanted_greenlets:
            state, greenlets = self._now()
            link.run(partial(store.fulfil, worker_id=worker_id, state=state, greenlets=greenlets))

    def heed_signal(self) -> None:
        """Be quiet, if a signal has asked for it."""
        if self.is_to_be_quiet:
            self.is_to_be_quiet = False
            self._be_quiet(True)

    def _now(self) -> tuple[str, int]:
        return "quiet" if self._slots.is_quiet else "running", self._slots.count

    def _resize(self, greenlets: int) -> None:
        if greenlets != self._slots.count:
            log.info("Resized. greenlets=%s before=%s", greenlets, self._slots.count)
            self._grow(greenlets)
            self._slots.resize(greenlets)
            self._lease.resize(greenlets)

    def _be_quiet(self, wanted: bool) -> None:
        if wanted and not self._slots.is_quiet:
            log.info("Quiet: what runs finishes, nothing new is taken.")
            self._slots.be_quiet()
        elif self._slots.is_quiet and not wanted:
            log.info("Awake: new jobs are taken again.")
            self._slots.wake()
