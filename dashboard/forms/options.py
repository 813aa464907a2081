"""The fields that every job has besides its arguments: queue, priority, retries, when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from dashboard.forms.kinds import INTEGER, NUMBER, TEXT, Kind
from dashboard.forms.parameters import Field
from tasks.engine.intake.catalog import TaskCard

MAX_PRIORITY = 1_000_000
MAX_RETRIES = 1_000
MAX_DELAY_S = 366 * 24 * 3600
LOCAL_TIME = Kind(
    "local time",
    "datetime",
    lambda text: datetime.fromisoformat(text.strip()),
    _l("Enter a date and a time."),
    "2026-12-31T18:30",
)


def option_fields(card: TaskCard, queues: tuple[str, ...]) -> dict[str, Field]:
    """The fields, filled with what the task says of itself."""
    return {
        "queue": Field(
            "queue", _("Queue"), TEXT, default=card.queue, text=card.queue, choices=queues
        ),
        "priority": Field(
            "priority",
            _("Priority"),
            INTEGER,
            default=card.priority,
            text=str(card.priority),
            hint=_("A higher number runs first."),
        ),
        "max_retries": Field(
            "max_retries",
            _("Retries at most"),
            INTEGER,
            default=card.max_retries,
            text=str(card.max_retries),
        ),
        "delay": Field(
            "delay", _("Delay in seconds"), NUMBER, default=None, hint=_("Empty: at once.")
        ),
        "eta": Field("eta", _("Or at this time"), LOCAL_TIME, default=None),
        "zone": Field("zone", _("Time zone of that time"), TEXT, default="UTC", text="UTC"),
    }


def read_options(fields: Mapping[str, Field], form: Mapping[str, str]) -> dict[str, Any]:
    """The options as `enqueue` takes them; faults are set on the fields."""
    values = {name: field.read(form) for name, field in fields.items()}
    check_queue(fields["queue"], values["queue"])
    check_range(fields["priority"], values["priority"], -MAX_PRIORITY, MAX_PRIORITY)
    check_range(fields["max_retries"], values["max_retries"], 0, MAX_RETRIES)
    check_range(fields["delay"], values["delay"], 0, MAX_DELAY_S)
    zone = values.pop("zone")
    values["eta"] = moment(fields, values["eta"], zone)
    if values["delay"] is not None and values["eta"] is not None:
        fields["eta"].fault = _("Give either a delay or a time, not both.")
    return values


def check_queue(field: Field, name: str) -> None:
    """Set a fault on the field unless there is this queue."""
    if name not in field.choices:
        field.fault = _("There is no queue %(name)s. Choose one of the list.", name=repr(name))


def check_range(field: Field, value: float | None, low: int, high: int) -> None:
    """Set a fault on the field when its number is outside of what is allowed."""
    if value is not None and field.fault is None and not low <= value <= high:
        field.fault = _("Enter a number from %(low)s to %(high)s.", low=low, high=high)


def moment(fields: Mapping[str, Field], at: datetime | None, zone: str) -> datetime | None:
    """The time in UTC; None when none was given or it cannot be used."""
    if at is None:
        return None
    if zone not in available_timezones():
        fields["zone"].fault = _("There is no time zone %(name)s.", name=repr(zone[:50]))
        return None
    try:
        utc = (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)
    except OverflowError:
        utc = datetime.min.replace(tzinfo=UTC)
    if utc <= datetime.now(UTC):
        fields["eta"].fault = _("That time has passed. Leave it empty to run the job at once.")
    return utc
