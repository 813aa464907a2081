"""The states of a job, and every event that moves a job from one state to another."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum


class State(StrEnum):
    """The state of a job; the value is what the row holds."""

    SCHEDULED = "scheduled"
    QUEUED = "queued"
    RUNNING = "running"
    RETRYING = "retrying"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Event(StrEnum):
    """An event of a job."""

    DUE = "due"
    STARTED = "started"
    COMPLETED = "completed"
    FAILED = "failed"
    RETRYING = "retrying"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    RELEASED = "released"
    RESCUED = "rescued"
    RETRIED = "retried"
    PROMOTED = "promoted"
    RESCHEDULED = "rescheduled"
    CHANGED = "changed"  # its priority, its queue or its arguments
    HELD = "held"  # its task is paused
    RESUMED = "resumed"
    TURNED = "turned"  # a completed job was marked as failed, to practise handling failures
    UNDONE = "undone"  # an operator's change was undone


S = State

MOVES: dict[Event, dict[State, frozenset[State]]] = {
    Event.DUE: {S.SCHEDULED: frozenset({S.QUEUED}), S.RETRYING: frozenset({S.QUEUED})},
    Event.STARTED: {S.QUEUED: frozenset({S.RUNNING})},
    Event.COMPLETED: {S.RUNNING: frozenset({S.COMPLETED})},
    Event.FAILED: {S.RUNNING: frozenset({S.FAILED})},
    # A job that was asked to stop does not run again: it ends as cancelled.
    Event.RETRYING: {S.RUNNING: frozenset({S.RETRYING, S.CANCELLED})},
    Event.CANCELLED: {
        state: frozenset({S.CANCELLED}) for state in (S.RUNNING, S.SCHEDULED, S.QUEUED, S.RETRYING)
    },
    Event.EXPIRED: {
        state: frozenset({S.EXPIRED}) for state in (S.RUNNING, S.SCHEDULED, S.QUEUED, S.RETRYING)
    },
    Event.RELEASED: {S.RUNNING: frozenset({S.QUEUED, S.CANCELLED})},
    Event.RESCUED: {S.RUNNING: frozenset({S.QUEUED, S.FAILED, S.CANCELLED})},
    # If a retry of many jobs is spread over some minutes, the jobs are scheduled.
    Event.RETRIED: {
        state: frozenset({S.QUEUED, S.SCHEDULED})
        for state in (S.FAILED, S.CANCELLED, S.EXPIRED, S.COMPLETED)
    },
    Event.PROMOTED: {state: frozenset({S.QUEUED}) for state in (S.SCHEDULED, S.RETRYING)},
    Event.RESCHEDULED: {
        S.SCHEDULED: frozenset({S.SCHEDULED}),
        S.QUEUED: frozenset({S.SCHEDULED}),
        S.RETRYING: frozenset({S.RETRYING}),
    },
    Event.CHANGED: {state: frozenset({state}) for state in (S.SCHEDULED, S.QUEUED, S.RETRYING)},
    Event.HELD: {S.QUEUED: frozenset({S.SCHEDULED})},
    Event.RESUMED: {S.SCHEDULED: frozenset({S.QUEUED})},
    Event.TURNED: {S.COMPLETED: frozenset({S.FAILED})},
    Event.UNDONE: {
        S.CANCELLED: frozenset({S.SCHEDULED, S.QUEUED, S.RETRYING}),
        S.QUEUED: frozenset({S.SCHEDULED, S.RETRYING, S.QUEUED}),
        S.SCHEDULED: frozenset({S.QUEUED, S.SCHEDULED}),
        S.RETRYING: frozenset({S.RETRYING}),
    },
}

# The `run_at` of a job that waits for the end of its task's pause. No caller can choose it: times
# that callers may give end with the year 9000.
HELD_UNTIL = datetime(9999, 1, 1, tzinfo=UTC)

WAITING = frozenset({S.SCHEDULED, S.QUEUED, S.RETRYING})
LIVE = WAITING | {S.RUNNING}
FINAL = frozenset(State) - LIVE
FAILED = frozenset({S.FAILED, S.RETRYING})  # the last attempt has failed
CALLED_OFF = frozenset({S.CANCELLED, S.EXPIRED})


def sources(event: Event) -> tuple[str, ...]:
    """Return the states in which `event` may happen, sorted, for `state = ANY(…)`."""
    return tuple(sorted(MOVES[event]))


def is_final(state: str) -> bool:
    """Return True if only a retry by a person moves a job out of `state`."""
    return state in FINAL


def is_held(state: str, run_at: datetime | None) -> bool:
    """Return True if a job waits for the end of its task's pause. Its `run_at` is not to be shown."""
    return state == S.SCHEDULED and run_at == HELD_UNTIL


def can(event: Event, state: str) -> bool:
    """Return True if `event` may happen to a job in `state`."""
    return state in MOVES[event]
