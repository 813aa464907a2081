"""What the row of a job answers from the table of states, for whoever shows it."""

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
    """Questions to a row that has a state."""

    def can(self: _Row, event: str) -> bool:
        """Return whether this may happen to the job as it is."""
        return can(Event(event), self.state)

    @property
    def is_held(self: _Row) -> bool:
        """Return whether it waits for the end of its task's pause; `run_at` is no time to show."""
        return is_held(self.state, self.run_at)

    @property
    def has_failed(self: _Row) -> bool:
        """Return whether its last attempt failed, for good or not."""
        return self.state in FAILED

    @property
    def is_called_off(self: _Row) -> bool:
        """Return whether it ended without an end of its own."""
        return self.state in CALLED_OFF
