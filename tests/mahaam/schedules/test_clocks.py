"""The next time is always a later one, whatever the clocks of a zone do."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mahaam.schedules.rules.due_times import due
from mahaam.schedules.rules.spec import Spec, next_run, next_runs, zones

BEGIN = datetime(2000, 1, 1, tzinfo=UTC)
DECADE = (datetime(2016, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
MINUTE = timedelta(minutes=1)
# What the last ten years do not have: a day left out, a change over midnight, half an hour at once.
OLDER = (
    ("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC)),
    ("America/St_Johns", datetime(2010, 11, 7, 2, 31, tzinfo=UTC)),
    ("Asia/Pyongyang", datetime(2015, 8, 14, 15, tzinfo=UTC)),
)

minutes = st.sampled_from(["*", "*/7", "*/30", "0", "30", "59", "0,15,45", "20-40/5"])
hours = st.sampled_from(["*", "*/2", "*/5", "0", "1", "2", "23", "0-3", "1,2,3", "22-23"])
days = st.sampled_from(["*", "*", "*", "1", "29", "30", "31", "L", "LW", "*/3"])
weekdays = st.sampled_from(["*", "*", "*", "0", "SUN", "SAT", "MON-FRI", "5L", "SUN#1"])
expressions = st.builds("{} {} {} * {}".format, minutes, hours, days, weekdays)


@cache
def changes() -> list[tuple[str, datetime]]:
    """Each change of the clocks of ten years, once: zones that change alike are one."""
    found: dict[tuple[object, ...], tuple[str, datetime]] = {}
    for name in sorted(zones()):
        zone = ZoneInfo(name)
        at = DECADE[0]
        while at < DECADE[1]:
            later = at + timedelta(days=9)
            before, after = offset(zone, at), offset(zone, later)
            if before != after:
                found.setdefault((at, before, after), (name, bisected(zone, at, later)))
            at = later
    return [*found.values(), *OLDER]


def offset(zone: ZoneInfo, at: datetime) -> timedelta:
    found = at.astimezone(zone).utcoffset()
    assert found is not None
    return found


def bisected(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    first = offset(zone, low)
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        low, high = (middle, high) if offset(zone, middle) == first else (low, middle)
    return high.replace(microsecond=0)


def cron(expression: str, zone: str) -> Spec:
    return Spec(kind="cron", cron=expression, timezone=zone, starts_at=BEGIN)


def is_free(expression: str) -> bool:
    """Whether it has no time of the day of its own."""
    return any(field.startswith("*") for field in expression.split()[:2])


def shows(sim: CronSim, local: datetime) -> bool:
    """Whether a clock on the wall shows a time of the expression."""
    return (
        local.minute in sim.minutes
        and local.hour in sim.hours
        and local.month in sim.months
        and sim.match_day(date(local.year, local.month, local.day))
    )


@settings(max_examples=250, deadline=None)
@given(st.data(), expressions, st.integers(-200, 1700), st.integers(0, 59_999_999))
def test_the_next_time_is_later_and_none_is_left_out(
    data: st.DataObject, expression: str, minute: int, microseconds: int
) -> None:
    zone, change = data.draw(st.sampled_from(changes()))
    after = change + minute * MINUTE - timedelta(days=1) + timedelta(microseconds=microseconds)
    found = next_runs(cron(expression, zone), after, 8)
    assert all(earlier < later for earlier, later in zip([after, *found], found, strict=False))
    if is_free(expression):
        assert found[:1] == by_looking(expression, zone, after, found[0])


def by_looking(expression: str, zone: str, after: datetime, until: datetime) -> list[datetime]:
    """The first minute at which the clock on the wall shows a time of the expression."""
    sim, place = CronSim(expression, BEGIN), ZoneInfo(zone)
    at = max(after, until - timedelta(days=3)).replace(second=0, microsecond=0) + MINUTE
    while at <= until:
        if shows(sim, at.astimezone(place)):
            return [at]
        at += MINUTE
    return []


@settings(max_examples=120, deadline=None)
@given(
    st.data(),
    st.sampled_from(["30 1 * * *", "0 2 * * *", "15,45 0-3 * * *", "5 23 * * *", "0 0 * * *"]),
)
def test_a_time_of_the_day_runs_once_on_each_day_of_a_change(
    data: st.DataObject, expression: str
) -> None:
    zone, change = data.draw(st.sampled_from(changes()))
    place = ZoneInfo(zone)
    day = (change.astimezone(place) - timedelta(days=2)).date()
    sim = CronSim(expression, BEGIN)
    since = datetime(day.year, day.month, day.day, 12, tzinfo=place).astimezone(UTC)
    until = since + timedelta(days=4)
    fired = [at for at in next_runs(cron(expression, zone), since, 60) if at <= until]

    local = [at.astimezone(place) for at in fired]
    assert len({at.replace(tzinfo=None) for at in local}) == len(fired)  # none of them twice
    per_day = len(sim.minutes) * len(sim.hours)
    assert per_day * 2 <= len(fired) <= per_day * 5


@pytest.mark.parametrize(
    ("expression", "zone", "after", "expected"),
    [
        # Asked in the second pass of the doubled hour: its first pass is over.
        ("30 1 * * *", "America/New_York", "2026-11-01T06:10", "2026-11-02T06:30"),
        ("45 2 * * *", "Europe/Berlin", "2026-10-25T01:20", "2026-10-26T01:45"),
        ("50 1 * * *", "Australia/Lord_Howe", "2026-04-04T15:05", "2026-04-05T15:20"),
        ("0 12 * * *", "Pacific/Apia", "2011-12-30T09:59", "2011-12-30T10:00"),  # the day left out
        ("*/15 2 * * *", "Australia/Lord_Howe", "2026-04-04T15:20", "2026-04-04T15:30"),
        ("* * * * SUN", "America/St_Johns", "2010-11-07T03:00", "2010-11-07T03:30"),
        ("* 1 * * *", "America/Havana", "2026-03-08T04:50", "2026-03-08T05:00"),
        ("0 0 29 2 *", "Asia/Tehran", "2026-11-26T00:00", "2028-02-28T20:30"),
        ("0 0 31 12 *", "UTC", "9999-12-31T00:00", None),
    ],
)
def test_hard_moments(expression: str, zone: str, after: str, expected: str | None) -> None:
    asked = datetime.fromisoformat(after).replace(tzinfo=UTC)
    found = next_run(cron(expression, zone), asked)
    assert found == (expected and datetime.fromisoformat(expected).replace(tzinfo=UTC))


@settings(max_examples=60, deadline=None)
@given(
    expressions,
    st.sampled_from(["Europe/Berlin", "Australia/Lord_Howe", "Africa/Casablanca"]),
    st.integers(1, 400 * 1440),
    st.sampled_from(["skip", "once", "all"]),
    st.integers(1, 60),
)
@example("* * * * *", "UTC", 10 * 1440, "all", 1000)
@example("* * 1 * *", "UTC", 390 * 1440, "once", 1)  # dense at first, and then nothing for weeks
def test_a_wait_of_any_length_is_judged(
    expression: str, zone: str, waited: int, missed: str, limit: int
) -> None:
    every = cron(expression, zone)
    now = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    since = next_run(every, now - waited * MINUTE)
    if since is None or since > now:
        return
    found = due(every, since, now, missed=missed, limit=limit)
    assert found.next_at is not None
    assert found.next_at > now
    assert len(found.fires) <= (limit if missed == "all" else 1)
    told = [*found.fires, *(skip.at for skip in found.skips)]
    assert len(set(told)) == len(told)
    assert all(since <= at <= now for at in told)
    if missed != "skip":
        assert next_run(every, found.fires[-1]) == found.next_at  # the newest is fired


def test_the_end_of_a_schedule_may_lie_in_a_long_wait() -> None:
    begin = datetime(2024, 1, 1, tzinfo=UTC)
    every = Spec(kind="cron", cron="* * * 1 *", starts_at=begin, ends_at=begin + timedelta(days=40))
    found = due(every, begin, datetime(2026, 7, 1, tzinfo=UTC), missed="once", limit=10)
    assert found.fires == [datetime(2024, 1, 31, 23, 59, tzinfo=UTC)]
    assert found.next_at is None
