"""The values that verbs take: each with its name, its type, its check, and a sentence of help."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Literal

from mahaam.core.errors import OptionNotValid
from mahaam.core.payload import clean
from mahaam.enqueuing import known_queues
from mahaam.jobs import job_option

SPREAD_MAX_S = 7 * 86400.0
NOTE_LIMIT_BYTES = 2000
OWNER_LIMIT_BYTES = 254

Parameters = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Input:
    """One value that a verb takes.

    `check` returns the value as it is stored in JSON, or None when there is none. It raises
    OptionNotValid or UnknownQueue.
    """

    name: str
    type: Literal["integer", "seconds", "moment", "queue", "text"]
    help: str
    check: Callable[[Any], Any]
    is_required: bool = False


def checked(inputs: tuple[Input, ...], given: Parameters) -> dict[str, Any]:
    """Return the given values, ready to be stored. Raises OptionNotValid, UnknownQueue."""
    unknown = given.keys() - {one.name for one in inputs}
    if unknown:
        raise OptionNotValid(f"It takes no {', '.join(sorted(unknown))}.")
    values = {one.name: one.check(given.get(one.name)) for one in inputs}
    return {name: value for name, value in values.items() if value is not None}


def one_of(values: Parameters, *names: str) -> None:
    """Raise OptionNotValid unless exactly one of two inputs was given."""
    if sum(name in values for name in names) != 1:
        raise OptionNotValid(f"Give {' or '.join(names)}, and not both.")


def _spread(value: Any) -> float | None:
    spread_s = job_option.seconds("spread_s", value)
    if spread_s is not None and not 0 < spread_s <= SPREAD_MAX_S:
        raise OptionNotValid(
            f"spread_s must be more than 0 and at most {SPREAD_MAX_S:g}; it is {spread_s:g}."
        )
    return spread_s


def _priority(value: Any) -> int:
    job_option.check_priority(value)
    return int(value)


def _queue(value: Any) -> str:
    known_queues.check(str(value))
    return str(value)


def _delay(value: Any) -> float | None:
    delay_s = job_option.seconds("delay_s", value)
    if delay_s is not None and delay_s < 0:
        raise OptionNotValid(f"delay_s must not be negative; it is {delay_s:g}.")
    return delay_s


def _moment(name: str) -> Callable[[Any], str | None]:
    def check(value: Any) -> str | None:
        at = job_option.moment(name, value)
        return at.astimezone(UTC).isoformat() if at else None

    return check


def _note(value: Any) -> str | None:
    return clean(value, NOTE_LIMIT_BYTES) if value else None


def _some_note(value: Any) -> str | None:
    if not value:
        raise OptionNotValid("A note needs some words.")
    return _note(value)


def _owner(value: Any) -> str | None:
    return clean(str(value), OWNER_LIMIT_BYTES) if value else None


SPREAD = Input("spread_s", "seconds", "Spread them over a time, such as 30m.", _spread)
PRIORITY = Input("priority", "integer", "A higher number runs first.", _priority, is_required=True)
QUEUE = Input("queue", "queue", "The other queue.", _queue, is_required=True)
RUN_AT = Input("run_at", "moment", "Such as 2027-01-31T08:00 (UTC).", _moment("run_at"))
DELAY = Input("delay_s", "seconds", "Such as 45s, 30m, 1h30m or 2d.", _delay)
ENDED_BEFORE = Input(
    "ended_before", "moment", "Only what ended before this time (UTC).", _moment("ended_before")
)
NOTE = Input("note", "text", "What was done about it.", _note)
SOME_NOTE = Input("note", "text", "The words of the note.", _some_note, is_required=True)
OWNER = Input("owner", "text", "An e-mail address or a name; without it, nobody.", _owner)
