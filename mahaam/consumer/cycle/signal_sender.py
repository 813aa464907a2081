"""Huey's signals for jobs that are not running at the moment: enqueued, expired."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent

from mahaam.jobs.states import State

ENQUEUED = "enqueued"
EXPIRED = "expired"


class SignalSender:
    """Sends signals in greenlets of their own, so that a slow handler does not block the consumer."""

    def __init__(self, tell: Callable[..., Any]) -> None:
        """Keep `tell(signal, ids, state=…)`, which sends a signal of Huey for jobs that are in `state`."""
        self._tell = tell

    def enqueued(self, ids: list[str]) -> None:
        """Send the signal for jobs that are queued as follow-ups, or because they are due."""
        if ids:
            gevent.spawn(self._tell, ENQUEUED, ids)

    def expired(self, ids: list[str]) -> None:
        """Send the signal for those of these jobs that have expired."""
        gevent.spawn(self._tell, EXPIRED, ids, state=State.EXPIRED)
