"""Tells users' signal handlers of what happens to jobs that no task runs for at the moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent

from mahaam.jobs.states import State

ENQUEUED = "enqueued"
EXPIRED = "expired"


class SignalSender:
    """In greenlets of their own: a handler that takes its time must not keep the consumer waiting."""

    def __init__(self, tell: Callable[..., Any]) -> None:
        """`tell(signal, ids, state=…)` sends a signal of Huey for jobs, those in `state`."""
        self._tell = tell

    def enqueued(self, ids: list[str]) -> None:
        """Jobs are queued: they came to be by the end of others, or their time has come."""
        if ids:
            gevent.spawn(self._tell, ENQUEUED, ids)

    def expired(self, ids: list[str]) -> None:
        """Of these jobs, those that were too late have ended."""
        gevent.spawn(self._tell, EXPIRED, ids, state=State.EXPIRED)
