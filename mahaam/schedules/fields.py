"""The fields of a schedule that a person or a program gives, each with its check."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mahaam.config import get_settings
from mahaam.core.errors import MahaamError, OptionNotValid, UnknownQueue
from mahaam.core.field import BAD_NUMBER, FieldNotValid, check_fields, one_of, short_name
from mahaam.core.payload import dump_call
from mahaam.core.translatable import Translatable
from mahaam.enqueuing import catalog, known_queues
from mahaam.jobs import task_registry
from mahaam.jobs.job_option import Number, Whole
from mahaam.jobs.new_job import SCHEDULE_OPTIONS
from mahaam.jobs.task_card import TaskCard
from mahaam.schedules import store
from mahaam.schedules.rules.spec import Spec, next_run, spec

TIMES = ("kind", "run_at", "every_s", "cron", "timezone", "starts_at", "ends_at")

NO_TASK = Translatable("There is no task %(name)s.")
NEAR_TASK = Translatable("There is no task %(name)s. Did you mean %(near)s?")
NOT_FITTING = Translatable("The task cannot be called so: %(fault)s.")
NOT_STORABLE = Translatable("These parameters cannot be stored: %(fault)s")
NOT_KWARGS = Translatable('Enter a JSON object, such as {"user_id": 42}.')
NOT_ARGS = Translatable("Enter a JSON list, such as [1, 2].")
ANY_NUMBER = Translatable("Enter a number from %(low)s to %(high)s.")
NO_QUEUE = Translatable("There is no queue %(name)s.")
BAD_CHOICE = Translatable("Choose one of these: %(choices)s.")
OTHER_TASK = Translatable("Definition %(name)s is one of task %(task)s.")
UNKNOWN = Translatable("A schedule has no such field.")
CHOICES = {"missed": ("skip", "once", "all"), "overlap": ("allow", "skip", "queue")}
MISSED_LIMIT = Whole(1, 1000)
NUMBERS = {
    name: option.check
    for name, option in SCHEDULE_OPTIONS.items()
    if isinstance(option.check, Whole | Number)
}
DEFAULTS = {
    "args": [],
    "kwargs": {},
    "timezone": "UTC",
    "missed": "once",
    "missed_limit": 10,
    "overlap": "allow",
}


def checked(
    given: Mapping[str, Any],
    *,
    now: datetime,
    before: dict[str, Any] | None = None,
    definition: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the columns of a schedule; what is not given stays as it was `before`.

    `definition` is the row that given["definition"] names.

    Raises FieldNotValid with the field that is at fault.
    """
    check_fields(given, FIELDS, UNKNOWN)
    row: dict[str, Any] = {**DEFAULTS, **(before or {}), **given}
    card = known_task(row.get("task") or (definition and definition["task"]))
    row["task"] = card.name
    row["name"] = short_name("name", row.get("name") or (definition or {}).get("name", card.name))
    row["definition_id"] = definition and definition["id"]
    check_call(card, row["args"], _kwargs(card, row["kwargs"], definition))
    _check_number("missed_limit", row["missed_limit"], MISSED_LIMIT)
    for name, limits in NUMBERS.items():
        if row.get(name) is not None:  # the task's own value
            _check_number(name, row[name], limits)
    for name, choices in CHOICES.items():
        one_of(name, row[name], choices, BAD_CHOICE.about(choices=", ".join(choices)))
    check_queue(row.get("queue"))
    times = _times(row, now, before)
    row |= {name: getattr(times, name) for name in TIMES}
    row["next_run_at"] = _next(times, now, row, before)
    return {name: row.get(name) for name in (*store.FIELDS, "next_run_at")}


def known_task(name: Any) -> TaskCard:
    """Return the card of the task `name`. Raises FieldNotValid, with the nearest name there is."""
    catalog.load()
    known = task_registry.find(name) if isinstance(name, str) else None
    if known is not None:
        return known.card
    shown = str(name or "")[:100]
    near = difflib.get_close_matches(shown, task_registry.tasks, n=1, cutoff=0.6)
    if near:
        raise FieldNotValid("task", NEAR_TASK.about(name=shown, near=near[0]))
    raise FieldNotValid("task", NO_TASK.about(name=shown))


def check_call(card: TaskCard, args: Any, kwargs: Any, *, is_whole: bool = True) -> None:
    """Check that the task could be called so and the call be stored. Raises FieldNotValid.

    Arguments that are not `is_whole` are defaults, which need not be all arguments.
    """
    if not isinstance(args, list):
        raise FieldNotValid("args", NOT_ARGS)
    if not isinstance(kwargs, dict):
        raise FieldNotValid("kwargs", NOT_KWARGS)
    try:
        dump_call(tuple(args), kwargs, limit_bytes=get_settings().payload_limit_bytes)
        card.check(tuple(args), kwargs, is_whole=is_whole)
    except TypeError as fault:
        raise FieldNotValid("kwargs", NOT_FITTING.about(fault=str(fault))) from None
    except MahaamError as fault:
        raise FieldNotValid("kwargs", NOT_STORABLE.about(fault=str(fault))) from None


def _kwargs(card: TaskCard, kwargs: Any, definition: dict[str, Any] | None) -> Any:
    """Return the keyword arguments of the task: the definition's, overridden by those of the schedule."""
    if definition is None or not isinstance(kwargs, dict):
        return kwargs
    if definition["task"] != card.name:
        raise FieldNotValid(
            "definition", OTHER_TASK.about(name=definition["name"], task=definition["task"])
        )
    return definition["kwargs"] | kwargs


def check_queue(name: Any) -> None:
    """Check that a queue has this name; None is the task's own. Raises FieldNotValid."""
    if name is None:
        return
    try:
        known_queues.check(name)
    except UnknownQueue:
        raise FieldNotValid("queue", NO_QUEUE.about(name=str(name)[:100])) from None


def _check_number(name: str, value: Any, limits: Whole | Number) -> None:
    try:
        limits(name, value)
    except OptionNotValid:
        phrase = BAD_NUMBER if isinstance(limits, Whole) else ANY_NUMBER
        fault = phrase.about(low=f"{limits.low:.15g}", high=f"{limits.high:.15g}")
        raise FieldNotValid(name, fault) from None


def _times(row: dict[str, Any], now: datetime, before: dict[str, Any] | None) -> Spec:
    """Return the checked times; the time of a schedule that runs once may stay in the past as it was."""
    is_as_before = before is not None and row.get("run_at") == before["run_at"]
    values: dict[str, Any] = {name: row.get(name) for name in TIMES}
    if is_as_before and row["kind"] == "once" and row["run_at"] is not None:
        return spec(now=datetime.min.replace(tzinfo=now.tzinfo), **values)
    return spec(now=now, **values)


def _next(
    times: Spec, now: datetime, row: dict[str, Any], before: dict[str, Any] | None
) -> datetime | None:
    """Return when the schedule is due next; as before, when its times are unchanged."""
    if before is not None and all(row.get(name) == before[name] for name in TIMES):
        due: datetime | None = before["next_run_at"]
        return due
    return next_run(times, now)


FIELDS = (
    "name", "task", "definition", *TIMES, "args", "kwargs", *SCHEDULE_OPTIONS,
    "missed", "missed_limit", "overlap",
)  # fmt: skip
