"""The next time of a cron expression in a time zone, across all changes of its clocks.

Debian's rules at a change of the clocks: a job of a fixed hour and minute runs once in a doubled
hour, and right after a missing one; a job of every hour or minute runs whenever the local clock
shows its time.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim

DAY = timedelta(days=1)  # no zone changes its clocks twice within one
SECOND = timedelta(seconds=1)


def next_time(expression: str, zone: ZoneInfo, after: datetime) -> datetime | None:
    """Return the first time later than `after`, in UTC; None: there is none. `after` is in UTC."""
    find = _fixed if _is_fixed(expression) else _by_local_clock
    try:
        return find(expression, zone, after)
    except (StopIteration, OverflowError):  # no such day, or none before the year 10000
        return None


def _is_fixed(expression: str) -> bool:
    """Return True if hour and minute are given: what Debian's cron treats as a time of the day."""
    minute, hour, *_ = expression.split()
    return not minute.startswith("*") and not hour.startswith("*")


def _fixed(expression: str, zone: ZoneInfo, after: datetime) -> datetime:
    # Asked in the second pass of a doubled hour, CronSim answers with times of the first.
    times = (at.astimezone(UTC) for at in CronSim(expression, after.astimezone(zone)))
    return next(at for at in times if at > after)


def _by_local_clock(expression: str, zone: ZoneInfo, after: datetime) -> datetime:
    """Search one period of equal offset after the other. Return the first time.

    With a zone, CronSim goes back into a doubled hour and may never leave it.
    """
    begin, asked = after, after
    while True:
        offset = _offset(zone, begin)
        found = (next(CronSim(expression, (asked + offset).replace(tzinfo=None))) - offset).replace(
            tzinfo=UTC
        )
        change = _first_change(zone, begin, found)
        if change is None:
            return found
        begin, asked = change, change - SECOND  # the second of the change is part of the period


def _first_change(zone: ZoneInfo, begin: datetime, end: datetime) -> datetime | None:
    """Return the first second after `begin` and until `end` at which the offset is another."""
    offset = _offset(zone, begin)
    low, high = begin, min(begin + DAY, end)
    while _offset(zone, high) == offset:
        if high >= end:
            return None
        low, high = high, min(high + DAY, end)
    while high - low > SECOND:
        middle = low + (high - low) // 2
        low, high = (middle, high) if _offset(zone, middle) == offset else (low, middle)
    return high.replace(microsecond=0)


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta(0)
