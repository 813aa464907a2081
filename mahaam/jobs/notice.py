"""The notice of a queued job, which Redis holds."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, Protocol


class Notice(NamedTuple):
    """A queued job: its id, its queue and its place in the order."""

    queue: str
    priority: int
    id: str
    queued_at: datetime


class Member(NamedTuple):
    """An id that may be in a queue of Redis."""

    queue: str
    id: str


class QueueMember(Protocol):
    """What identifies an id in a queue of Redis: a Member, a Notice, a Claim."""

    @property
    def queue(self) -> str:
        """Return the queue's name."""

    @property
    def id(self) -> str:
        """Return the job's id."""
