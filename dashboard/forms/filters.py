"""The filters of every list: the name of each in the address, and its widget on the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from ..present import badges

MOST_CHOICES = 50  # with more choices, the value is typed


@dataclass(frozen=True)
class Filter:
    """One filter of a list.

    `name` is the name in the address. `widget` is words, choice, moment or flag. `suggestions` are
    offered while a value is typed. A filter with `is_more` is folded away until it is used.
    """

    name: str
    label: LazyString
    widget: str = "words"
    example: str | LazyString = ""
    choices: Mapping[str, Any] = field(default_factory=dict)
    suggestions: tuple[str, ...] = ()
    is_wide: bool = False
    is_more: bool = False
    is_typed_when_many: bool = False

    @property
    def is_choice(self) -> bool:
        """Return True if the value is chosen from a short list."""
        is_long = self.is_typed_when_many and len(self.choices) > MOST_CHOICES
        return self.widget == "choice" and not is_long


def choice(name: str, label: LazyString, choices: Mapping[Any, Any], **more: Any) -> Filter:
    """Return a filter whose value is one of `choices`, each with its label."""
    words = {str(value): getattr(look, "word", look) for value, look in choices.items()}
    return Filter(name, label, "choice", choices=words, **more)


def moment(name: str, label: LazyString, **more: Any) -> Filter:
    """Return a filter by a time in UTC."""
    return Filter(name, label, "moment", **more)


def flag(name: str, label: LazyString, **more: Any) -> Filter:
    """Return a filter that is yes or no."""
    return Filter(name, label, "flag", **more)


QUEUE = Filter(
    "queue", _l("Queue"), widget="choice", example=_l("Name of a queue"), is_typed_when_many=True
)
TASK = Filter("task", _l("Task"), is_wide=True)
OWNER = Filter("owner", _l("Owner"), example="ann@example.com")
CREATED = (
    moment("created_from", _l("Created from (UTC)")),
    moment("created_to", _l("until (UTC)")),
)

ALERT = (
    choice("severity", _l("Severity"), badges.SEVERITY),
    Filter("rule", _l("Rule"), "choice", is_wide=True),
    OWNER,
)
AUDIT = (
    Filter("actor", _l("Who"), example="ann@example.com"),
    Filter("verb", _l("What"), "choice"),
    Filter("target", _l("Target"), example=_l("an id or a name")),
    moment("since", _l("Since (UTC)")),
    moment("until", _l("Until (UTC)")),
    flag("refused", _l("Refused")),
)
DEAD_LETTER = (
    QUEUE,
    TASK,
    Filter("error", _l("Error"), example="TimeoutError"),
    OWNER,
    flag("reprocessed", _l("Reprocessed"), is_more=True),
    flag("resolved", _l("Resolved"), is_more=True),
    flag("notified", _l("Notified"), is_more=True),
    choice("unowned", _l("Without an owner"), {"yes": _l("Yes")}, is_more=True),
    moment("since", _l("Failed since (UTC)"), is_more=True),
    moment("until", _l("Failed until (UTC)"), is_more=True),
)
ERROR = (
    Filter("text", _l("Error"), example="TimeoutError", is_wide=True),
    TASK,
    OWNER,
)
EXECUTION = (
    choice("state", _l("State of the job"), badges.JOB),
    QUEUE,
    TASK,
    Filter("definition", _l("Definition")),
    *CREATED,
)
JOB = (
    QUEUE,
    TASK,
    Filter("argument", _l("Argument"), example="user_id=42", is_wide=True),
    Filter("error", _l("Error text"), example="TimeoutError", is_wide=True),
    Filter("tag", _l("Tag"), is_more=True),
    *(replace(one, is_more=True) for one in CREATED),
)
METRICS = (QUEUE, TASK)
SCHEDULE = (Filter("name", _l("Name"), example="nightly", is_wide=True), TASK)


def filled(
    filters: tuple[Filter, ...],
    *,
    queues: tuple[str, ...] | None = None,
    tasks: tuple[str, ...] = (),
    **choices: Mapping[str, Any],
) -> tuple[Filter, ...]:
    """Return the filters with the choices and suggestions given here."""
    if queues is not None:
        choices["queue"] = dict(zip(queues, queues, strict=True))
    return tuple(
        replace(one, choices=choices[one.name])
        if one.name in choices
        else replace(one, suggestions=tasks)
        if one.name == "task"
        else one
        for one in filters
    )
