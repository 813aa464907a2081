"""The times of a schedule: once, every so many seconds, or by cron; checked field by field."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from mahaam.core.field import FieldNotValid, one_of
from mahaam.core.translatable import Translatable
from mahaam.schedules.rules.cron import next_time

LONGEST_CRON = 200  # characters; checked before any parser reads it
LONGEST_EVERY_S = 10 * 366 * 86400
FIELDS = 5
ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}

NO_KIND = Translatable("Choose once, interval or cron.")
NO_TIME = Translatable("Enter a time.")
IN_THE_PAST = Translatable("The time lies in the past. Choose one that is still to come.")
BAD_INTERVAL = Translatable("Enter a whole number of seconds from 1 to %(high)s.")
NO_CRON = Translatable("Enter five fields: minute, hour, day of month, month, day of week.")
LONG_CRON = Translatable(
    "A cron expression has at most %(most)s characters; this one has %(found)s."
)
BAD_FIELD = Translatable("%(field)s of the cron expression cannot be %(found)s.")
NEVER = Translatable("This cron expression never fires: no such day exists.")
BAD_ZONE = Translatable("There is no time zone %(found)s. Use a name such as Asia/Baghdad or UTC.")
BAD_ORDER = Translatable("The end must come after the start.")
PART_NAMES = {
    "minute": Translatable("The minute"),
    "hour": Translatable("The hour"),
    "day-of-month": Translatable("The day of the month"),
    "month": Translatable("The month"),
    "day-of-week": Translatable("The day of the week"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Spec:
    """Times as checked by `spec`; all moments are aware and in UTC.

    An interval is counted from `starts_at`, so that it does not drift and consumers agree on it.
    """

    kind: str
    starts_at: datetime
    run_at: datetime | None = None
    every_s: int | None = None
    cron: str | None = None
    timezone: str = "UTC"
    ends_at: datetime | None = None


def spec(
    *,
    kind: str,
    now: datetime,
    run_at: datetime | None = None,
    every_s: Any = None,
    cron: str | None = None,
    timezone: str | None = None,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
) -> Spec:
    """Return a checked spec of what is given; fields that do not belong to `kind` are left out.

    Raises FieldNotValid with the field that is at fault.
    """
    one_of("kind", kind, KINDS, NO_KIND)
    zone = _zone(timezone or "UTC")
    begin = (starts_at or now).astimezone(UTC).replace(microsecond=0)
    if ends_at is not None and ends_at <= begin:
        raise FieldNotValid("ends_at", BAD_ORDER)
    given = {"run_at": run_at, "every_s": every_s, "cron": cron}
    value = KINDS[kind](given, now)
    return Spec(kind=kind, starts_at=begin, timezone=zone, ends_at=ends_at, **value)


def _once(given: dict[str, Any], now: datetime) -> dict[str, Any]:
    run_at = given["run_at"]
    if run_at is None:
        raise FieldNotValid("run_at", NO_TIME)
    if run_at <= now:
        raise FieldNotValid("run_at", IN_THE_PAST)
    return {"run_at": run_at.astimezone(UTC)}


def _interval(given: dict[str, Any], _now: datetime) -> dict[str, Any]:
    every_s = given["every_s"]
    if type(every_s) is not int or not 1 <= every_s <= LONGEST_EVERY_S:
        raise FieldNotValid("every_s", BAD_INTERVAL.about(high=LONGEST_EVERY_S))
    return {"every_s": every_s}


def _cron(given: dict[str, Any], now: datetime) -> dict[str, Any]:
    return {"cron": cron_of(given["cron"] or "", now)}


KINDS: dict[str, Callable[[dict[str, Any], datetime], dict[str, Any]]] = {
    "once": _once,
    "interval": _interval,
    "cron": _cron,
}


def cron_of(text: str, now: datetime) -> str:
    """Return a cron expression as it is stored: five fields in capitals. Raises FieldNotValid."""
    if len(text) > LONGEST_CRON:
        raise FieldNotValid("cron", LONG_CRON.about(most=LONGEST_CRON, found=len(text)))
    expression = ALIASES.get(text.strip().lower(), text).upper()
    fields = expression.split()
    if len(fields) != FIELDS or not (text.isascii() and text.isprintable()):
        raise FieldNotValid("cron", NO_CRON)
    try:
        next(CronSim(" ".join(fields), now.astimezone(UTC)))
    except CronSimError as fault:
        raise FieldNotValid("cron", _bad_field(str(fault), fields)) from None
    except StopIteration:
        raise FieldNotValid("cron", NEVER) from None
    return " ".join(fields)


def _bad_field(message: str, fields: list[str]) -> Translatable:
    """Return the sentence for an error of CronSim.

    CronSim names the field; a day that no month has is one of its errors.
    """
    name = message.removeprefix("Bad ")
    found = fields[list(PART_NAMES).index(name)] if name in PART_NAMES else ""
    if not found:
        return NO_CRON
    if name == "day-of-month" and _is_day(found):
        return NEVER
    return BAD_FIELD.about(field=PART_NAMES[name], found=found)


def _is_day(text: str) -> bool:
    try:
        next(CronSim(f"0 0 {text} * *", datetime(2024, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration):
        return False
    return True


@cache
def zones() -> frozenset[str]:
    """Return the names of all time zones."""
    return frozenset(available_timezones())


def _zone(name: str) -> str:
    if name not in zones():
        raise FieldNotValid("timezone", BAD_ZONE.about(found=repr(name[:60])))
    return name


def next_run(spec: Spec, after: datetime) -> datetime | None:
    """Return the first time of `spec` that is later than `after`, in UTC; None: there is none."""
    after = max(after, spec.starts_at - timedelta(microseconds=1))
    found = _NEXT[spec.kind](spec, after)
    if found is None or (spec.ends_at is not None and found > spec.ends_at):
        return None
    return found


def next_runs(spec: Spec, after: datetime, count: int) -> list[datetime]:
    """Return the first `count` times after `after`, or fewer when they end."""
    found: list[datetime] = []
    last: datetime | None = after
    while len(found) < count and last is not None and (last := next_run(spec, last)) is not None:
        found.append(last)
    return found


def _next_once(spec: Spec, after: datetime) -> datetime | None:
    return spec.run_at if spec.run_at is not None and spec.run_at > after else None


def _next_interval(spec: Spec, after: datetime) -> datetime | None:
    every = timedelta(seconds=spec.every_s or 0)
    try:
        return spec.starts_at + ((after - spec.starts_at) // every + 1) * every
    except OverflowError:  # none before the year 10000
        return None


def _next_cron(spec: Spec, after: datetime) -> datetime | None:
    return next_time(spec.cron or "", ZoneInfo(spec.timezone), after.astimezone(UTC))


_NEXT = {"once": _next_once, "interval": _next_interval, "cron": _next_cron}
