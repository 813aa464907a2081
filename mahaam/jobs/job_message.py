"""The mapping between the names of options in Huey's messages, in rows and in claims.

A message is a task of Huey or, where it rides along with another job, a dictionary.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from operator import attrgetter
from typing import Any

from mahaam.core.payload import dump
from mahaam.jobs.claim import Claim
from mahaam.jobs.job_option import moment, seconds
from mahaam.jobs.new_job import TASK_OPTIONS, NewJob

# The parts of a message that ride along with its job, in column `options`.
CHAIN = ("on_complete", "on_error")
REMOVALS = ("remove_on_complete", "remove_on_fail")
RIDES_ALONG = (*CHAIN, "chord", *REMOVALS)

OF_HUEY = {option.huey: field for field, option in TASK_OPTIONS.items() if option.huey}
OWN = frozenset(option.name for option in TASK_OPTIONS.values() if option.huey is None)
# Options that the task of a started job takes from its row as they are; its retries and its priority
# are set otherwise.
SAME = {name: field for name, field in OF_HUEY.items() if name not in ("retries", "priority")}

_given: Any = attrgetter(*OF_HUEY)
_usual: Any = attrgetter(*(f"default_{name}" for name in OF_HUEY))
_same: Any = attrgetter(*SAME.values())
_never_usual = (*OWN, *REMOVALS)


def is_usual(task: Any) -> bool:
    """Return True if a message differs from others of its kind only in its arguments."""
    return (
        task.eta is None
        and task.expires is None
        and task.on_complete is None
        and task.on_error is None
        and task.chord_config is None
        and has_usual_options(task)
    )


def has_usual_options(task: Any) -> bool:
    """Return True if a message has the default options of its kind."""
    is_same: bool = _given(task) == _usual(type(task))
    return is_same and vars(task).keys().isdisjoint(_never_usual)


def fields_of(task: Any) -> dict[str, Any]:
    """Return the fields of NewJob for a message, except its times and what rides along.

    Raises OptionNotValid.
    """
    kind = type(task)
    if not has_usual_options(task):
        return {"task": name_of(kind), **job_fields(options_of(task))}
    if kind.usual_fields is None:
        kind.usual_fields = {"task": name_of(kind), **job_fields(usual_options(kind))}
    fields: dict[str, Any] = kind.usual_fields
    return fields


def options_of(task: Any) -> dict[str, Any]:
    """Return the options of a message by their keys, with the defaults of its kind."""
    usual = usual_options(type(task))
    return {name: getattr(task, name, usual[name]) for name in usual}


def usual_options(kind: type[Any]) -> dict[str, Any]:
    """Return the default options of a kind of message, by their keys."""
    return {
        option.key: getattr(kind, f"default_{option.key}", None) for option in TASK_OPTIONS.values()
    }


def own_options(kind: type[Any], message: Mapping[str, Any]) -> dict[str, Any]:
    """Return options of `message` that differ from its kind and for which Huey has no attribute."""
    usual = usual_options(kind)
    return {name: message[name] for name in OWN & message.keys() if message[name] != usual[name]}


def job_fields(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of NewJob for the options of a message. Raises OptionNotValid."""
    return {
        field: option.read(option.name, options[option.key])
        for field, option in TASK_OPTIONS.items()
        if options.get(option.key) is not None
    }


def usual_job(kind: type[Any]) -> NewJob:
    """Return the job for a message of a kind without options of its own. Raises OptionNotValid."""
    return NewJob(task=name_of(kind), **job_fields(usual_options(kind)))


def huey_options(claim: Claim) -> dict[str, Any]:
    """Return the options of the task of a started job, except its retries and its priority."""
    return dict(zip(SAME, _same(claim), strict=True))


def claimed_options(claim: Claim) -> dict[str, Any]:
    """Return the options of a started job by their keys in a message, with its initial retries."""
    return {
        option.key: getattr(claim, field)
        for field, option in TASK_OPTIONS.items()
        if field in Claim._fields
    }


def defaults(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return keywords of `@task`, with Huey's default attribute of a kind for each of our own options."""
    return {f"default_{name}" if name in OWN else name: settings[name] for name in settings}


def message_of(task: Any) -> dict[str, Any]:
    """Return a follow-up task as a message that rides along, with all that its row will need."""
    return {
        "id": task.id,
        "name": name_of(type(task)),
        "eta": task.eta,
        "args": task.args,
        "kwargs": task.kwargs,
        "expires": task.expires,
        **options_of(task),
        **rides_along(task),
    }


def rides_along(task: Any) -> dict[str, Any]:
    """Return a task's follow-ups, its chord, its expiry as given, and whether its row is removed."""
    rides: dict[str, Any] = {}
    for name in CHAIN:
        following = getattr(task, name)
        if following is not None:
            rides[name] = message_of(following)
    if task.chord_config is not None:
        rides["chord"] = task.chord_config.cid
    if task.expires_resolved is not None and task.expires != task.expires_resolved:
        rides["expires"] = task.expires
    for name in REMOVALS:
        if getattr(task, name, getattr(type(task), f"default_{name}")):
            rides[name] = True
    return rides


def kept(rides: Mapping[str, Any]) -> str | None:
    """Return what rides along as the JSON of column `options`; None for nothing."""
    return dump(rides, what="The options") if rides else None


def job_of(message: Mapping[str, Any], *, parent_id: str) -> NewJob:
    """Return the job for a message that rode along. Raises OptionNotValid."""
    expires = message.get("expires")
    at = expires if isinstance(expires, datetime) else None
    return NewJob(
        task=message["name"],
        **job_fields(message),
        eta=moment("eta", message["eta"]),
        expires_at=moment("expires", at),
        expires_in_s=None if at else seconds("expires", expires),
        options=kept({name: message[name] for name in RIDES_ALONG if message.get(name)}),
        parent_id=parent_id,
    )


def name_of(kind: type[Any]) -> str:
    """Return the name under which rows know a kind of message, `module.function`."""
    return f"{kind.__module__}.{kind.__name__}"
