"""A chord on its way into the tables: its members and their results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from mahaam.core.payload import teach


@dataclass(frozen=True, slots=True)
class NewChord:
    """A callback (a message as JSON) that becomes job `callback_id` when all members have ended.

    `members` are ids of jobs; for a pipeline, the id of its last job.
    """

    id: str
    members: list[str]
    callback: str
    callback_id: str


class Replacement(NamedTuple):
    """A job that replaces a member, because that one was rescheduled."""

    chord_id: str
    place: int
    job_id: str


class MemberError(NamedTuple):
    """What a chord's callback gets instead of the result of a failed member."""

    metadata: dict[str, Any]


class MemberSkipped(NamedTuple):
    """What a chord's callback gets instead of the result of a member that will have none."""


# Where Huey is loaded, Huey's own classes with this meaning are read instead.
teach(MemberError, "$error", write=lambda error: error.metadata, read=MemberError)
teach(MemberSkipped, "$skipped", write=lambda _: True, read=lambda _: MemberSkipped())


class Arrival(NamedTuple):
    """The result of member `job_id` for its chord, as JSON: result, error, or that it was skipped.

    `cause` is the job that has ended: for a pipeline that broke off, not the last job.
    """

    chord_id: str
    job_id: str
    value: str
    cause: str
