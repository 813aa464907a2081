"""A chord on its way into the tables: who belongs to it, and what a member brings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from mahaam.core.payload import teach


@dataclass(frozen=True, slots=True)
class NewChord:
    """A callback, a message as JSON, that becomes job `callback_id` when all members have ended.

    `members` are the ids of jobs; of a pipeline, of its last one.
    """

    id: str
    members: list[str]
    callback: str
    callback_id: str


class Replacement(NamedTuple):
    """A job that takes the place of a member, because that one was rescheduled."""

    chord_id: str
    place: int
    job_id: str


class MemberError(NamedTuple):
    """What a chord's callback gets in the place of the result of a member that failed."""

    metadata: dict[str, Any]


class MemberSkipped(NamedTuple):
    """What it gets in the place of a result that will never be."""


# Where Huey is loaded, its own values of this meaning are read instead.
teach(MemberError, "$error", write=lambda error: error.metadata, read=MemberError)
teach(MemberSkipped, "$skipped", write=lambda _: True, read=lambda _: MemberSkipped())


class Arrival(NamedTuple):
    """What the member `job_id` brings to its chord, as JSON: result, error, or that it was skipped.

    `cause` is the job whose end it is: of a pipeline that broke off, not the last one.
    """

    chord_id: str
    job_id: str
    value: str
    cause: str
