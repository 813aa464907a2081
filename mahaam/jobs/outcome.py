"""How one attempt ended, as it will be written down."""

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
    """An exception as the tables hold it."""

    error_class: str
    message: str
    traceback: str
    fingerprint: str
    metadata: str | None = None  # what Huey tells of it beside the traceback, as JSON

    @classmethod
    def of(cls, fault: BaseException) -> Failure:
        """`fault` with its traceback, capped, and a fingerprint that is alike for alike faults."""
        if (there := _of_another_process(fault)) is not None:
            return there
        name, message = class_name(fault), message_of(fault)
        text = traceback_of(fault, get_settings().traceback_limit_bytes)
        return cls(name, message, text, fingerprint(name, message, text))

    @classmethod
    def told(cls, error: MahaamError) -> Failure:
        """A failure that is ours to tell and has no traceback worth reading."""
        name = type(error).__name__
        return cls(
            name,
            clean(str(error), MESSAGE_LIMIT_BYTES),
            f"{name}: {clean(str(error))}",
            fingerprint(name, str(error), ""),
        )

    @property
    def line(self) -> str:
        """`Class: message`, the first line of it."""
        return f"{self.error_class}: {self.message}".splitlines()[0]


@dataclass(slots=True)
class Outcome:
    """The end of one attempt.

    `state` is where the job goes; `delay_s` is the wait before a retry, or `run_at` its time;
    `remove` deletes the row instead of keeping it; `queued_at` is when PostgreSQL queued it again.
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
        """Whether it is a completion that leaves nothing else to be written."""
        return self.state is State.COMPLETED and self.follows is NOTHING and not self.remove

    @property
    def word(self) -> str:
        """The outcome's name in the attempt table."""
        return "released" if self.state is State.QUEUED else str(self.state)


Ended = tuple[Claim, Outcome]
Fence = tuple[str, int]  # job id, attempt


def _of_another_process(fault: BaseException) -> Failure | None:
    """The failure that an exception brings along from the process where it was raised."""
    try:
        there = vars(fault).get("failure")
    except BaseException:  # noqa: BLE001 (a task's exception may do anything)
        return None
    return there if type(there) is Failure else None
