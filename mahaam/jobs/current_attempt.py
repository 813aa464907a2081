"""The attempt that runs in this greenlet, for the packages below `run`."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Protocol

from mahaam.jobs.claim import Claim


class RunningAttempt(Protocol):
    """A running attempt."""

    claim: Claim


current: ContextVar[RunningAttempt | None] = ContextVar("current_attempt", default=None)


def current_id() -> str | None:
    """Return the id of the job that runs in this greenlet; None outside of tasks."""
    attempt = current.get()
    return None if attempt is None else attempt.claim.id
