"""Which attempt runs in this greenlet, as far as those below it need to know."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Protocol

from mahaam.jobs.claim import Claim


class RunningAttempt(Protocol):
    """A job that runs."""

    claim: Claim


current: ContextVar[RunningAttempt | None] = ContextVar("current_attempt", default=None)


def current_id() -> str | None:
    """The id of the job that runs in this greenlet; None outside of tasks."""
    attempt = current.get()
    return None if attempt is None else attempt.claim.id
