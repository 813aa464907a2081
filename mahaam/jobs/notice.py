"""What Redis must know of a job in its queue."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, Protocol


class Notice(NamedTuple):
    """A queued job, and its place in its queue."""

    queue: str
    priority: int
    id: str
    queued_at: datetime


class Member(NamedTuple):
    """An id that may stand in a queue of Redis."""

    queue: str
    id: str


class QueueMember(Protocol):
    """What is enough to take an id out of a queue of Redis: a Member, a Ring, a Claim."""

    @property
    def queue(self) -> str:
        """The queue."""

    @property
    def id(self) -> str:
        """The job's id."""
