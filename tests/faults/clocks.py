"""Clocks that are wrong or turned back: of clients that enqueue, and the hour that a zone has twice."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from mahaam import verbs
from tests.faults.evidence import WORK, Evidence, JobRow

LIBRARY = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
ZONE = (
    "Europe/Berlin"  # 02:00 to 03:00 comes twice on 25 October 2026, from 00:00 and from 01:00 UTC
)
BEGINS, ENDS = datetime(2026, 10, 24, 23, 50, tzinfo=UTC), datetime(2026, 10, 25, 2, 5, tzinfo=UTC)
SPEED = 60  # PostgreSQL's clock; two hours pass in two minutes
EVERY, ONCE = "*/20 * * * *", "30 2 * * *"
HALF = 10  # schedules of each kind
SLACK = timedelta(seconds=1.0)  # between the clock of a row and the place of its bell


def faked(time: str) -> dict[str, str]:
    """The environment of a process whose time of day is `time`, as libfaketime reads it."""
    assert LIBRARY.exists(), f"{LIBRARY} is missing: install the package faketime."
    return {
        "LD_PRELOAD": str(LIBRARY),
        "FAKETIME": time,
    }


def doubled_hour() -> dict[str, str]:
    """The environment of a PostgreSQL for which the doubled hour is soon, and passes quickly."""
    frozen = {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "TZ": "UTC"}  # what it waits for by is real
    return faked(f"@{BEGINS:%Y-%m-%d %H:%M:%S} x{SPEED}") | frozen


def schedule(options: argparse.Namespace) -> None:
    """Make twenty schedules in the zone: half of them many times an hour, half once a day."""
    for number in range(2 * HALF):
        cron = EVERY if number < HALF else ONCE
        verbs.create_schedule(
            {
                "name": f"{cron}, {number}", "task": f"{WORK}.work", "kind": "cron", "cron": cron,
                "timezone": ZONE, "ends_at": ENDS, "missed": "all", "missed_limit": 1000,
                "kwargs": {"ms": options.ms},
            },
            by="campaign",
        )  # fmt: skip


def each_local_time_fired(evidence: Evidence) -> Iterator[str]:
    """Every twenty minutes by any clock, also in the second pass; once a day once."""
    fired: dict[str, list[datetime]] = {}
    for row in evidence.fired_at:
        fired.setdefault(row.schedule, []).append(row.at)
    if len(fired) != 2 * HALF:
        yield f"{len(fired)} schedules fired, not {2 * HALF}."
    for name, times in fired.items():
        expected = _expected(name.rpartition(",")[0], since=min(times))
        if times != expected:
            yield f"{name} fired at {times}, not at {expected}."


def _expected(cron: str, *, since: datetime) -> list[datetime]:
    """The times by walking through the minutes of the zone, from the first one on."""
    minutes = (ENDS - since) // timedelta(minutes=1)
    walked = (since + timedelta(minutes=minute) for minute in range(minutes + 1))
    if cron == EVERY:
        return [at for at in walked if at.astimezone(ZoneInfo(ZONE)).minute % 20 == 0]
    return [at for at in walked if f"{at.astimezone(ZoneInfo(ZONE)):%H:%M}" == "02:30"][:1]


def none_overtakes(evidence: Evidence) -> Iterator[str]:
    """Jobs of all clients started in the order in which PostgreSQL queued them."""
    first = sorted(
        (job for job in evidence.jobs if job.attempt == 1 and job.started_at and job.queued_at),
        key=_started,
    )
    newest, overtaken = datetime.min.replace(tzinfo=UTC), 0
    for job in first:
        assert job.queued_at is not None
        overtaken += job.queued_at + SLACK < newest
        newest = max(newest, job.queued_at)
    if overtaken:
        yield f"{overtaken} jobs were overtaken by jobs that were queued a second later and more."
    waited = Counter(_started(job) - (job.queued_at or BEGINS) > SLACK for job in first)
    if not waited[True]:
        yield "No job waited, so that nothing is proved."


def _started(job: JobRow) -> datetime:
    assert job.started_at is not None
    return job.started_at
