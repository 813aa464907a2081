"""Schedules: how late they fire, how fast many of them do, and what they cost while none is due."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psutil

from bench.figure import Figure, at_most, percentile
from bench.servers import BenchServers
from bench.waiting import running_consumer, until

# `count` schedules that are due every `every_s` seconds, first in `in_s`; of these, `due` at that time
# and the others an hour later.
MAKE = """
INSERT INTO schedule (name, task, kind, every_s, starts_at, next_run_at, missed, missed_limit, created_by)
SELECT 'bench ' || number, 'bench.noop.noop', 'interval', %(every_s)s, begin.at, begin.at, 'all', 1000,
       'bench'
FROM generate_series(1, %(count)s) AS number,
     LATERAL (SELECT date_trunc('second', now()) + (%(in_s)s + (number > %(due)s)::int * 3600)
                     * interval '1 s' AS at) AS begin
"""
CLEAR = "TRUNCATE schedule CASCADE"
LATE_MS = (
    "SELECT extract(epoch FROM made_at - fire_at) * 1000 FROM schedule_fire WHERE state = 'fired'"
)
FIRED = "SELECT count(*) FROM schedule_fire"
MEASURED_S = 20
IDLE_S = 30
OF_CONSUMERS = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'mahaam%'"


def figures(servers: BenchServers, _rounds: int) -> Iterator[Figure]:
    """Lateness, a crowd of schedules, and the idle loop."""
    servers.use("mahaam")
    yield lateness(servers)
    yield crowd(servers)
    yield idle(servers)
    servers.run(CLEAR)


def lateness(servers: BenchServers) -> Figure:
    """50 schedules of a second each."""
    _begin(servers, count=50, due=50, every_s=1, in_s=4)
    with running_consumer(servers):
        until(lambda: servers.run(FIRED)[0][0] >= 50 * MEASURED_S)
    late_ms = [float(row[0]) for row in servers.run(LATE_MS)]
    detail = f"{len(late_ms)} due times; p50 {percentile(late_ms, 0.5):.0f} ms, max {max(late_ms):.0f} ms"
    return at_most(
        "schedules of 1 s: lateness, p99", percentile(late_ms, 0.99), 250, unit="ms", detail=detail
    )


def crowd(servers: BenchServers) -> Figure:
    """500 of 10,000 schedules are due in the same second."""
    _begin(servers, count=10_000, due=500, every_s=86_400, in_s=6)
    with running_consumer(servers):
        until(lambda: servers.run(FIRED)[0][0] >= 500)
    late_ms = [float(row[0]) for row in servers.run(LATE_MS)]
    return at_most(
        "500 of 10,000 schedules due at once: the last one fired after",
        max(late_ms) / 1000,
        2,
        unit="s",
        detail=f"p50 {percentile(late_ms, 0.5):.0f} ms",
    )


def idle(servers: BenchServers) -> Figure:
    """What a consumer and its connections take with 10,000 schedules, more than without a scheduler."""
    shares = {}
    for options in ((), ("--no-periodic",)):
        _begin(servers, count=10_000, due=0, every_s=86_400, in_s=0)
        with running_consumer(servers, *options) as pid:
            began_s, began_at = _cpu_s(servers, pid), time.monotonic()
            time.sleep(IDLE_S)
            shares[options] = (_cpu_s(servers, pid) - began_s) / (time.monotonic() - began_at)
    with_, without = shares.values()
    return at_most(
        "the scheduler of an idle consumer, with 10,000 schedules",
        max(0.0, with_ - without) * 100,
        1,
        unit="% of a core",
        detail=f"idle consumer and its connections: {with_:.2%} with, {without:.2%} without",
    )


def _begin(servers: BenchServers, **values: int) -> None:
    servers.clear()
    servers.run(CLEAR)
    with servers.connect() as connection, connection.cursor() as cursor:
        cursor.execute(MAKE, values)


def _cpu_s(servers: BenchServers, pid: int) -> float:
    """Processor time of a consumer and of PostgreSQL's processes that serve it, so far."""
    pids = [pid, *(row[0] for row in servers.run(OF_CONSUMERS))]
    return sum(sum(psutil.Process(one).cpu_times()[:2]) for one in pids)
