"""The definition of a job option: its name, its valid values, and where it can be set."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from mahaam.core.errors import OptionNotValid

INT4 = 2**31 - 1
LONGEST_S = 10 * 366 * 86400.0
SHORTEST_S = 0.001
WORDS = re.compile(r"[^\x00-\x1f\x7f]{1,200}")

Check = Callable[[str, Any], object]  # the option's name and a value; raises OptionNotValid
Read = Callable[[str, Any], Any]  # returns what is stored for a given value; raises OptionNotValid


def anything(_name: str, _value: Any) -> None:
    """Check nothing."""


def as_given(_name: str, value: Any) -> Any:
    """Return `value` itself."""
    return value


@dataclass(frozen=True, slots=True)
class Column:
    """The column of table job for a field of NewJob; `is_copied`: copies of a job keep its value."""

    type: str
    is_copied: bool = True


@dataclass(frozen=True, slots=True)
class JobOption:
    """An option of a job; `name` is its name in `enqueue`.

    `read` turns what callers and messages give into the value of the field, `check` checks the value.
    `huey` is the attribute of Huey's messages that holds the option; None: Huey has no such option.
    `of_task`: a task can set the option for all its jobs, and follow-ups of a job carry it.
    `in_call`: a call and `.s()` take the option; they take every option of Huey.
    `of_schedule`: a schedule can set the option for the jobs that it makes.
    """

    name: str
    check: Check = anything
    read: Read = as_given
    huey: str | None = None
    of_task: bool = True
    in_call: bool = False
    of_schedule: bool = False

    @property
    def key(self) -> str:
        """Return its name in a message."""
        return self.huey or self.name

    @property
    def call_name(self) -> str | None:
        """Return its name in a call; None if a call does not take it."""
        return self.key if self.huey or self.in_call else None


@dataclass(frozen=True, slots=True)
class Whole:
    """A check for whole numbers from `low` to `high`."""

    low: int
    high: int

    def __call__(self, name: str, value: Any) -> None:
        if type(value) is not int or not self.low <= value <= self.high:
            raise OptionNotValid(
                f"{name} must be a whole number from {self.low} to {self.high}; it is {value!r}."
            )


@dataclass(frozen=True, slots=True)
class Number:
    """A check for numbers from `low` to `high`; None passes."""

    low: float
    high: float
    unit: str = "number of seconds"

    def __call__(self, name: str, value: Any) -> None:
        if value is None:
            return
        if type(value) not in (int, float) or not self.low <= value <= self.high:
            raise OptionNotValid(
                f"{name} must be a {self.unit} from {self.low:.15g} to {self.high:.15g};"
                f" it is {value!r}."
            )


PRIORITY = Whole(-INT4, INT4)
_ANY_SECONDS = Number(-LONGEST_S, LONGEST_S)


def check_priority(value: Any) -> None:
    """Raise OptionNotValid for a value that is not a priority."""
    PRIORITY("priority", value)


def truth(name: str, value: Any) -> bool:
    """Return `value` if it is True or False. Raises OptionNotValid."""
    if not isinstance(value, bool):
        raise OptionNotValid(f"{name} must be True or False; it is {value!r}.")
    return value


def short_text(name: str, value: Any) -> None:
    """Raise OptionNotValid for a value that is not a short printable text; None passes."""
    if value is None:
        return
    if not isinstance(value, str) or not WORDS.fullmatch(value) or not value.isprintable():
        raise OptionNotValid(f"{name} must be 1 to 200 printable characters; it is {value!r}.")


def short_texts(name: str, values: Any) -> None:
    """Raise OptionNotValid for the first of `values` that is not a short text; None passes."""
    for value in values or ():
        short_text(name, value)


def words(name: str, value: Any) -> tuple[str, ...]:
    """Return a list, tuple or set of texts as a tuple. Raises OptionNotValid."""
    if not isinstance(value, (list, tuple, set, frozenset)):
        raise OptionNotValid(f"{name} must be a list of texts; it is {value!r}.")
    return tuple(value)


def factor(_name: str, value: Any) -> Any:
    """Return `value`, or 1 for 0, which in Huey means a fixed delay."""
    return 1 if type(value) in (int, float) and not value else value


def seconds(name: str, value: Any) -> float | None:
    """Return `value`, a number or a timedelta, in seconds. None stays None. Raises OptionNotValid."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, float) and not math.isfinite(value):
        raise OptionNotValid(f"{name} must be a number of seconds; it is {value}.")
    _ANY_SECONDS(name, value)
    return None if value is None else float(value)


def moment(name: str, value: Any) -> datetime | None:
    """Return `value` as an aware UTC datetime; a naive one is taken as UTC. None stays None.

    Raises OptionNotValid.
    """
    if value is None:
        return None
    if not isinstance(value, datetime):
        raise OptionNotValid(f"{name} must be a datetime; it is {type(value).__name__}.")
    try:
        aware = value.replace(tzinfo=UTC) if value.utcoffset() is None else value.astimezone(UTC)
    except OverflowError:
        raise OptionNotValid(f"{name} is outside the calendar: {value}.") from None
    if not 1970 <= aware.year <= 9000:
        raise OptionNotValid(f"{name} must lie between the years 1970 and 9000; it is {value}.")
    return aware
