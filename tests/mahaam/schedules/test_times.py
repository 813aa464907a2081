"""When schedules run: compared with an independent library, and refused field by field."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter

from mahaam.core.field import FieldNotValid
from mahaam.schedules.rules.due_times import due
from mahaam.schedules.rules.previews import previews
from mahaam.schedules.rules.spec import Spec, next_runs, spec
from tests.machine import within

BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
ZONES = ("UTC", "Asia/Baghdad", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
# Expression and local time after which it is asked; the dates are those of changes of the clocks.
CASES = (
    ("0 2 * * *", "2026-03-28T12:00"),  # into the gap of Berlin
    ("30 2 * * *", "2026-03-28T12:00"),
    ("30 2 * * *", "2026-03-07T12:00"),  # of New York
    ("15 2 * * *", "2026-10-03T12:00"),  # of Lord Howe, half an hour long
    ("*/15 * * * *", "2026-03-29T00:50"),
    ("0 * * * *", "2026-11-01T00:30"),
    ("0 0 29 2 *", "2026-01-01T00:00"),
    ("0 12 31 * *", "2026-01-31T13:00"),
    ("59 23 31 12 *", "2026-12-31T23:59"),
    ("0 0 1 1 *", "2026-06-01T00:00"),
    ("0 9 * * MON-FRI", "2026-11-27T10:00"),
    ("0 0 1,15 * SUN", "2026-11-02T00:00"),  # either of them
    ("*/20 8-10 * * *", "2026-11-26T10:41"),
    ("0 0 28-31 2,3 *", "2028-02-28T00:00"),
    ("5 4 * * 7", "2026-11-26T00:00"),
)


def cron(expression: str, zone: str = "UTC") -> Spec:
    return Spec(kind="cron", cron=expression, timezone=zone, starts_at=BEGIN)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(("expression", "after"), CASES)
def test_the_next_four_times_are_those_of_another_library(
    expression: str, after: str, zone: str
) -> None:
    local = datetime.fromisoformat(after).replace(tzinfo=ZoneInfo(zone))
    other = croniter(expression, local)

    assert next_runs(cron(expression, zone), local.astimezone(UTC), 4) == [
        other.get_next(datetime).astimezone(UTC) for _ in range(4)
    ]


@pytest.mark.parametrize(
    ("expression", "zone", "after", "expected"),
    [
        # The other library fires twice here; Debian's cron and we do it once.
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", ["10-25T02:30+0200", "10-26T02:30+0100"]),
        ("30 1 * * *", "America/New_York", "2026-10-31T12:00", ["11-01T01:30-0400", "11-02T01:30-0500"]),
        ("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T12:00", ["04-05T01:45+1100", "04-06T01:45+1030"]),
    ],
)  # fmt: skip
def test_a_time_in_the_doubled_hour_runs_once(
    expression: str, zone: str, after: str, expected: list[str]
) -> None:
    local = datetime.fromisoformat(after).replace(tzinfo=ZoneInfo(zone))
    found = next_runs(cron(expression, zone), local.astimezone(UTC), 2)
    assert [f"{at.astimezone(ZoneInfo(zone)):%m-%dT%H:%M%z}" for at in found] == expected


def test_a_change_of_the_clocks_is_marked() -> None:
    after = datetime(2026, 3, 27, 12, tzinfo=UTC)
    found = previews(cron("0 12 * * *", "Europe/Berlin"), after, 3)
    assert [run.is_changed for run in found] == [False, True, False]


def test_an_interval_is_counted_from_its_start() -> None:
    every = Spec(kind="interval", every_s=7, starts_at=BEGIN)
    (first,) = next_runs(every, NOW, 1)
    assert (first - BEGIN).total_seconds() % 7 == 0
    assert timedelta(0) < first - NOW <= timedelta(seconds=7)
    assert next_runs(every, BEGIN - timedelta(days=9), 1) == [BEGIN]


def test_nothing_runs_before_its_start_or_after_its_end() -> None:
    bounded = Spec(
        kind="cron", cron="0 0 * * *", starts_at=NOW, ends_at=NOW + timedelta(days=2, hours=12)
    )
    assert [run.day for run in next_runs(bounded, BEGIN, 9)] == [27, 28, 29]
    once = Spec(kind="once", run_at=NOW, starts_at=BEGIN)
    assert next_runs(once, BEGIN, 9) == [NOW]
    assert next_runs(once, NOW, 9) == []


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("cron", {"cron": "61 * * * *"}),
        ("cron", {"cron": "0 0 31 2 *"}),
        ("cron", {"cron": "0 0 30 2 *"}),
        ("cron", {"cron": "*/0 * * * *"}),
        ("cron", {"cron": "*" * 100_000}),
        ("cron", {"cron": "* * * *"}),
        ("cron", {"cron": "0 * * * * *"}),
        ("cron", {"cron": "1,foo * * * *"}),
        ("cron", {"cron": "* * * * \x00"}),
        ("cron", {"cron": "٣ * * * *"}),
        ("cron", {"cron": ""}),
        ("cron", {"cron": "@reboot"}),
        ("timezone", {"cron": "@daily", "timezone": "Mars/Olympus"}),
        ("timezone", {"cron": "@daily", "timezone": "../../etc/passwd"}),
        ("timezone", {"cron": "@daily", "timezone": "x" * 100_000}),
        ("every_s", {"kind": "interval", "every_s": 0}),
        ("every_s", {"kind": "interval", "every_s": -5}),
        ("every_s", {"kind": "interval", "every_s": 10**20}),
        ("every_s", {"kind": "interval", "every_s": "60"}),
        ("every_s", {"kind": "interval", "every_s": True}),
        ("every_s", {"kind": "interval"}),
        ("run_at", {"kind": "once", "run_at": NOW - timedelta(seconds=1)}),
        ("run_at", {"kind": "once"}),
        ("kind", {"kind": "sometimes"}),
        ("ends_at", {"cron": "@daily", "ends_at": NOW - timedelta(days=1)}),
    ],
)
def test_bad_times_are_refused_at_once_with_their_field(
    field: str, given: dict[str, object]
) -> None:
    began_at = time.process_time()
    with pytest.raises(FieldNotValid) as refusal:
        spec(now=NOW, **{"kind": "cron", **given})  # type: ignore[arg-type]
    assert refusal.value.field == field
    assert len(str(refusal.value)) < 300
    assert time.process_time() - began_at < within(0.5)  # a parser that runs away takes minutes


@pytest.mark.parametrize(
    ("given", "kept"),
    [("@daily", "0 0 * * *"), (" 0  9 * * mon-fri ", "0 9 * * MON-FRI"), ("@HOURLY", "0 * * * *")],
)
def test_expressions_are_kept_as_five_fields(given: str, kept: str) -> None:
    assert spec(kind="cron", cron=given, now=NOW).cron == kept


def judged(ago: timedelta, *, missed: str, every_s: int = 60) -> tuple[int, int]:
    """How many due times are fired and how many skipped, when the first was `ago`."""
    since = NOW - ago
    every = Spec(kind="interval", every_s=every_s, starts_at=since)
    found = due(every, since, NOW, missed=missed, limit=5)
    assert found.next_at is not None
    assert NOW < found.next_at <= NOW + timedelta(seconds=every_s)
    return len(found.fires), sum(skip.count for skip in found.skips)


@pytest.mark.parametrize(
    ("ago_s", "missed", "expected"),
    [
        (0, "skip", (1, 0)), (59, "skip", (1, 0)), (60, "skip", (1, 1)), (179, "skip", (1, 2)),
        (0, "once", (1, 0)), (179, "once", (1, 2)), (86400, "once", (1, 1440)),
        (0, "all", (1, 0)), (179, "all", (3, 0)), (86400, "all", (5, 1436)),
    ],
)  # fmt: skip
def test_missed_times_are_judged(ago_s: int, missed: str, expected: tuple[int, int]) -> None:
    assert judged(timedelta(seconds=ago_s), missed=missed) == expected


def test_a_late_time_of_a_rare_schedule_is_skipped_or_not() -> None:
    ago = timedelta(hours=2)
    assert judged(ago, missed="skip", every_s=86400) == (0, 1)
    assert judged(ago, missed="once", every_s=86400) == (1, 0)


def test_years_of_missed_seconds_are_judged_at_once() -> None:
    fired, skipped = judged(timedelta(days=700), missed="all", every_s=1)
    assert fired == 5
    assert skipped == pytest.approx(700 * 86400, rel=0.01)
