"""The outcome of one attempt, as it will be written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mahaam.config import get_settings
from mahaam.core.errors import MahaamError
from mahaam.core.exception_text import class_name, message_of, traceback_of
from mahaam.core.fingerprint import fingerprint
from mahaam.core.payload import clean
from mahaam.jobs.claim import Claim
from mahaam.jobs.follow_ups import NOTHING, FollowUps
from mahaam.jobs.states import State

MESSAGE_LIMIT_BYTES = 8192


@dataclass(frozen=True, slots=True)
class Failure:
    """An exception, in the form of the tables."""

    error_class: str
    message: str
    traceback: str
    fingerprint: str
    metadata: str | None = None  # Huey's details of the exception beside the traceback, as JSON

    @classmethod
    def of(cls, fault: BaseException) -> Failure:
        """Return `fault` as a failure, with a capped traceback and a fingerprint that groups like faults."""
        if (there := _of_another_process(fault)) is not None:
            return there
        name, message = class_name(fault), message_of(fault)
        text = traceback_of(fault, get_settings().traceback_limit_bytes)
        return cls(name, message, text, fingerprint(name, message, text))

    @classmethod
    def told(cls, error: MahaamError) -> Failure:
        """Return the failure for an error of our own, whose traceback is of no use."""
        name = type(error).__name__
        return cls(
            name,
            clean(str(error), MESSAGE_LIMIT_BYTES),
            f"{name}: {clean(str(error))}",
            fingerprint(name, str(error), ""),
        )

    @property
    def line(self) -> str:
        """Return the first line of `Class: message`."""
        return f"{self.error_class}: {self.message}".splitlines()[0]


@dataclass(slots=True)
class Outcome:
    """The end of one attempt.

    `state` is the next state of the job; `delay_s` is the wait before a retry, or `run_at` its time;
    `remove` deletes the row instead of keeping it; `queued_at` is when PostgreSQL queued the job again.
    """

    state: State
    retry_count: int
    result: str | None = None
    failure: Failure | None = None
    delay_s: float | None = None
    remove: bool = False
    follows: FollowUps = NOTHING
    queued_at: datetime | None = None
    run_at: datetime | None = None

    @property
    def is_plain(self) -> bool:
        """Return True if the outcome is a completion without anything else to write."""
        return self.state is State.COMPLETED and self.follows is NOTHING and not self.remove

    @property
    def word(self) -> str:
        """Return the outcome's name in table attempt."""
        return "released" if self.state is State.QUEUED else str(self.state)


Ended = tuple[Claim, Outcome]
Fence = tuple[str, int]  # job id, attempt


def _of_another_process(fault: BaseException) -> Failure | None:
    """Return the failure that an exception carries from the process where it was raised, or None."""
    try:
        there = vars(fault).get("failure")
    except BaseException:  # noqa: BLE001 (a task's exception may do anything)
        return None
    return there if type(there) is Failure else None
