"""Schedules under kills, a crash of PostgreSQL and wrong clocks: no due time twice, none missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.faults import fault
from tests.faults.evidence import Evidence
from tests.faults.stage import Stage

SCHEDULES = 20
CRASH_AFTER = 15  # kills
LIBRARY = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
OFFSETS = {"+1h": 3600, "-1h": -3600}
SLEEPING = Path(__file__).parent / "wrong_clock"
SLACK_S = 60


def kill_each_second(stage: Stage) -> None:
    """Kill -9 one consumer a second; once, PostgreSQL crashes as well."""
    if len(stage.supervisor.deaths) == CRASH_AFTER:
        fault.restart_postgres(stage)
    fault.kill_each_second(stage)


def wrong_clock(place: int) -> dict[str, str]:
    """The environment in which the consumer at `place` sees a time of day that is an hour off."""
    assert LIBRARY.exists(), f"{LIBRARY} is missing: install the package faketime."
    return {
        "LD_PRELOAD": str(LIBRARY),
        "FAKETIME": list(OFFSETS)[place % len(OFFSETS)],
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "PYTHONPATH": str(SLEEPING),
    }


def each_clock_worked(evidence: Evidence) -> Iterator[str]:
    """Consumers with clocks an hour ahead and an hour behind both completed jobs."""
    right_s = evidence.clock_ns // 10**9
    ended = [run for runs in evidence.runs.values() for run in runs if run.word == "end"]
    for name, offset_s in OFFSETS.items():
        if not any(abs(run.ahead_s - right_s - offset_s) < SLACK_S for run in ended):
            yield f"No consumer whose clock was {name} off completed a job."


def each_time_fired_once_by_any_clock(evidence: Evidence) -> Iterator[str]:
    """The two rules together."""
    yield from each_clock_worked(evidence)
    yield from each_time_fired_once(evidence)


def each_time_fired_once(evidence: Evidence) -> Iterator[str]:
    """Every second of every schedule made one job, and nothing else made one."""
    times: dict[str, list[int]] = defaultdict(list)
    for row in evidence.fires:
        times[row.schedule].append(row.place)
        if row.state != "fired":
            yield f"{row.schedule}: its time {row.place} is {row.state}."
    expected = list(range(evidence.accepted_count // SCHEDULES))
    if len(times) != SCHEDULES:
        yield f"{len(times)} schedules fired, not {SCHEDULES}."
    for name, places in times.items():
        if places != expected:
            yield f"{name} fired at {places}, not at each of {len(expected)} seconds."
    made = [row.job_id for row in evidence.fires]
    if len(set(made)) != len(made) or set(made) != {job.id for job in evidence.jobs}:
        yield f"{len(made)} fires and {len(evidence.jobs)} jobs do not belong together."
