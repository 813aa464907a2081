"""Which verbs a job or a dead letter takes in its current state. The engine checks again when it acts."""

from __future__ import annotations

from typing import Any

from mahaam.jobs.states import State
from mahaam.verbs import ACTS


def can(verb: str, row: Any) -> bool:
    """Return True if `row`, a job or an entry of the dead letters, takes this verb."""
    if verb == "edit":
        return bool(row.state != State.RUNNING)
    if ACTS[verb].kind == "dead_letter":
        return _letter_can(verb, row)
    if verb == "stop" and row.cancel_requested_at is not None:
        return False
    return row.state in ACTS[verb].sources


def _letter_can(verb: str, letter: Any) -> bool:
    act = ACTS[verb]
    if any(getattr(letter, f"{mark}_at") is not None for mark in act.closed_to):
        return False
    return not act.sources or letter.job_state in act.sources
