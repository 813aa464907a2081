"""The interface of a rule type: its parameters, its evaluation, and what it would have found in the past."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from mahaam.core.field import FieldNotValid, check_fields, one_of, whole_number
from mahaam.core.translatable import Translatable
from mahaam.postgres.database import Cursor

PAST = timedelta(days=7)  # a rule is previewed on this time before it is saved
MOST_FINDINGS = 500  # of a rule in one evaluation; more subjects than that are one finding

Parameters = Mapping[str, Any]
Moments = Iterable[tuple[str, datetime]]  # subject, a time at which the cause existed


@dataclass(frozen=True, slots=True)
class Probes:
    """Values known outside PostgreSQL; None: it cannot be known.

    `redis_percent` is of maxmemory, `disk_percent` of the disk of the consumer that evaluates,
    `depths` how many jobs wait by queue.
    """

    redis_percent: float | None = None
    disk_percent: float | None = None
    depths: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The input of an evaluation.

    Its fields: the rule's parameters, the subjects whose cause existed the last time, since when
    the rule is as it is, and the probes.
    """

    parameters: Parameters
    live: Collection[str]
    since: datetime
    world: Probes


@dataclass(frozen=True, slots=True)
class Cause:
    """A cause that exists: its subject, its text, and the page with the button that helps.

    `path` is that of the page, "" without a console. `news_at` is when it became worse: an alert
    that somebody closed before that opens again.
    """

    subject: str
    what: Translatable
    path: str
    news_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RuleParameter:
    """A field of a rule; `default` None: it may be left empty. `kind` is int, name or choice."""

    name: str
    label: Translatable
    kind: str = "int"
    default: Any = None
    low: int = 1
    high: int = 10**9
    choices: tuple[str, ...] = ()
    is_needed: bool = False


@dataclass(frozen=True, slots=True)
class RuleType:
    """A type of rule; `past` returns the moments of the last week, None: nobody can know them."""

    name: str
    label: Translatable
    help: Translatable
    look: Callable[[Cursor, Evaluation], list[Cause]]
    past: Callable[[Cursor, Parameters], Moments] | None
    parameters: tuple[RuleParameter, ...] = ()
    gap: timedelta = timedelta(minutes=25)  # between two moments that are not one firing

    def checked(self, given: Parameters) -> dict[str, Any]:
        """Return the parameters as they are stored. Raises FieldNotValid."""
        check_fields(given, [one.name for one in self.parameters], NO_PARAMETER)
        kept = {one.name: _checked(one, given.get(one.name)) for one in self.parameters}
        return {name: value for name, value in kept.items() if value is not None}


NO_PARAMETER = Translatable("This rule has no such parameter.")
NEEDED = Translatable("This must be filled in.")
BAD_NAME = Translatable("Enter a name of at most 200 characters on one line.")

TASK = RuleParameter("task", Translatable("Task; empty: all"), "name")
QUEUE = RuleParameter("queue", Translatable("Queue; empty: all"), "name")


def minutes(default: int, label: Translatable, *, high: int = 7 * 1440) -> RuleParameter:
    """Return a parameter that is a number of minutes."""
    return RuleParameter("minutes", label, default=default, high=high)


def firings(moments: Moments, gap: timedelta) -> int:
    """Return how often an alert would have opened: moments that are close to each other are one."""
    last: dict[str, datetime] = {}
    count = 0
    for subject, at in sorted(moments, key=lambda moment: moment[1]):
        if subject not in last or at - last[subject] > gap:
            count += 1
        last[subject] = at
    return count


def _checked(one: RuleParameter, value: Any) -> Any:
    if value is None or value == "":
        if one.is_needed:
            raise FieldNotValid(one.name, NEEDED)
        return one.default
    if one.kind == "int":
        return whole_number(one.name, value, one.low, one.high)
    if one.kind == "choice":
        return one_of(one.name, value, one.choices)
    if not isinstance(value, str) or len(value) > 200 or not value.isprintable():
        raise FieldNotValid(one.name, BAD_NAME)
    return value
