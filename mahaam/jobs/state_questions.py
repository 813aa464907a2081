"""Properties of a job's row that are derived from the table of states, for showing the job."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from mahaam.jobs.states import CALLED_OFF, FAILED, Event, can, is_held


class _Row(Protocol):
    @property
    def state(self) -> str: ...
    @property
    def run_at(self) -> datetime | None: ...


class StateQuestions:
    """Derived properties of a row that has a state."""

    def can(self: _Row, event: str) -> bool:
        """Return True if `event` may happen to the job in its state."""
        return can(Event(event), self.state)

    @property
    def is_held(self: _Row) -> bool:
        """Return True if the job waits for the end of its task's pause. `run_at` is not to be shown."""
        return is_held(self.state, self.run_at)

    @property
    def has_failed(self: _Row) -> bool:
        """Return True if its last attempt failed, for good or not."""
        return self.state in FAILED

    @property
    def is_called_off(self: _Row) -> bool:
        """Return True if the job was cancelled or has expired."""
        return self.state in CALLED_OFF
