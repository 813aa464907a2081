"""The follow-ups of a job that ends without Huey: cancelled, expired, or lost in crashes.

Huey does the same for the jobs that it runs. Here everything is derived from the row's `options`,
so that any process can do it, also one that does not know the task.
"""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

from mahaam.core.errors import PayloadBroken
from mahaam.core.ids import new_id
from mahaam.core.payload import dump, load
from mahaam.jobs.chord import Arrival, MemberError, MemberSkipped
from mahaam.jobs.follow_ups import FollowUp, FollowUps
from mahaam.jobs.job_message import job_of
from mahaam.jobs.states import State

log = logging.getLogger("mahaam.follow_ups")


class FinalState(NamedTuple):
    """A job that is now in the final `state` and did not complete.

    `options` are its row's, as JSON; `error` is a failure as `Class: message`.
    """

    job_id: str
    options: str | None
    state: str
    error: str = ""


def of_end(end: FinalState) -> FollowUps:
    """Return the follow-ups of a job: the error handler of a failure, and the arrival at a chord.

    An arrival comes from each member of a chord, and from each task of a pipeline whose last task is
    a member.
    """
    if not end.options:
        return FollowUps()
    try:
        rides = load(end.options)
        arrivals = arrival(end.job_id, rides, dump(_value(end), what="The value"))
        return FollowUps(_error_handler(end, rides), arrivals=arrivals)
    except (PayloadBroken, KeyError, TypeError) as fault:
        log.error("Options cannot be read; nothing follows. job=%s fault=%s", end.job_id, fault)
        return FollowUps()


def _value(end: FinalState) -> Any:
    """Return what a chord's callback gets instead of a result."""
    if end.state != State.FAILED:
        return MemberSkipped()
    return MemberError(
        {"error": end.error, "retries": 0, "traceback": end.error, "task_id": end.job_id}
    )


def _error_handler(end: FinalState, rides: dict[str, Any]) -> list[FollowUp]:
    if end.state != State.FAILED or "on_error" not in rides:
        return []
    message = rides["on_error"] | {"id": new_id()}  # one error handler job for every failure
    return [follow_up(message, end.error, parent_id=end.job_id)]


def arrival(job_id: str, rides: dict[str, Any], value: str) -> list[Arrival]:
    """Return the arrival at the chord that waits for a job or for its pipeline; empty if none waits."""
    member, message = job_id, rides
    while "chord" not in message:
        if "on_complete" not in message:
            return []
        message = message["on_complete"]
        member = message["id"]
    return [Arrival(message["chord"], member, value, job_id)]


def follow_up(message: dict[str, Any], data: Any, *, parent_id: str) -> FollowUp:
    """Return the job of a message, with `data` of its predecessor added as Huey adds it."""
    args, kwargs = _extended(tuple(message["args"]), dict(message["kwargs"]), data)
    call = dump(list(args), what="The arguments"), dump(kwargs, what="The arguments")
    return FollowUp(job_of(message, parent_id=parent_id), (message["id"], *call))


def _extended(
    args: tuple[Any, ...], kwargs: dict[str, Any], data: Any
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if data is None or data == ():
        return args, kwargs
    if isinstance(data, tuple):
        return args + data, kwargs
    if isinstance(data, dict):
        return args, data | kwargs
    return (*args, data), kwargs
