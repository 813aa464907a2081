"""A job that is about to be accepted, with every option checked."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tasks.engine.errors import OptionNotValid

INT4 = 2**31 - 1
LONGEST_S = 10 * 366 * 86400.0
KEY = re.compile(r"[^\x00-\x1f\x7f]{1,200}")


@dataclass(frozen=True, kw_only=True, slots=True)
class NewJob:
    """What all jobs of one enqueue share; ids and arguments come beside it.

    `eta` and `expires_at` are aware datetimes, `delay_s` and `expires_in_s` seconds from
    PostgreSQL's now. `options` rides along as JSON.
    """

    task: str
    queue: str
    priority: int = 0
    max_retries: int = 3
    retry_delay_s: float = 1.0
    retry_backoff: float = 2.0
    retry_jitter: bool = True
    delay_s: float | None = None
    eta: datetime | None = None
    expires_in_s: float | None = None
    expires_at: datetime | None = None
    timeout_s: float | None = None
    dedupe_key: str | None = None
    tags: Sequence[str] | None = None
    options: str | None = None
    parent_id: str | None = None
    created_by: str | None = None

    def __post_init__(self) -> None:
        check_priority(self.priority)
        _whole("max_retries", self.max_retries, 0, 10_000)
        _number("retry_delay", self.retry_delay_s, 0, LONGEST_S)
        _number("retry_backoff", self.retry_backoff, 0, 1000, unit="factor")
        _number("delay", self.delay_s, 0, LONGEST_S)
        _number("expires", self.expires_in_s, 0, LONGEST_S)
        _number("timeout", self.timeout_s, 0, LONGEST_S)
        if self.delay_s is not None and self.eta is not None:
            raise OptionNotValid("Give delay or eta, not both.")
        _truth("retry_jitter", self.retry_jitter)
        _words("dedupe_key", self.dedupe_key)
        _words("created_by", self.created_by)
        for tag in self.tags or ():
            _words("tags", tag)


def moment(name: str, value: Any) -> datetime | None:
    """`value` as an aware UTC datetime; a naive one is taken as UTC. None stays None."""
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


def seconds(name: str, value: Any) -> float | None:
    """`value`, a number or a timedelta, in seconds. None stays None."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    _number(name, value, -LONGEST_S, LONGEST_S)
    return None if value is None else float(value)


def check_priority(value: Any) -> None:
    """Raises OptionNotValid for what is no priority."""
    _whole("priority", value, -INT4, INT4)


def _whole(name: str, value: Any, low: int, high: int) -> None:
    if type(value) is not int or not low <= value <= high:
        raise OptionNotValid(
            f"{name} must be a whole number from {low} to {high}; it is {value!r}."
        )


def _number(
    name: str, value: Any, low: float, high: float, *, unit: str = "number of seconds"
) -> None:
    if value is None:
        return
    if type(value) not in (int, float) or math.isnan(value) or not low <= value <= high:
        raise OptionNotValid(f"{name} must be a {unit} from {low:g} to {high:g}; it is {value!r}.")


def truth(name: str, value: Any) -> bool:
    """`value` if it is True or False. Raises OptionNotValid."""
    _truth(name, value)
    return bool(value)


def words(name: str, value: Any) -> tuple[str, ...]:
    """`value`, a list, tuple or set of short texts, as a tuple. Raises OptionNotValid."""
    if not isinstance(value, (list, tuple, set, frozenset)):
        raise OptionNotValid(f"{name} must be a list of texts; it is {value!r}.")
    return tuple(value)


def _truth(name: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise OptionNotValid(f"{name} must be True or False; it is {value!r}.")


def _words(name: str, value: Any) -> None:
    if value is None:
        return
    if not isinstance(value, str) or not KEY.fullmatch(value) or not value.isprintable():
        raise OptionNotValid(f"{name} must be 1 to 200 printable characters; it is {value!r}.")
