"""How long a job waits where nothing stands before it: idle start, and lateness of delayed jobs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bench.figure import Figure, at_most, percentile
from bench.servers import BenchServers

SAMPLES = 300
STAMPS = """
import random, sys, time
from mahaam import enqueue
from mahaam.enqueuing import accept
committed, ring = {}, accept.ring
def stamped(rings):
    committed[rings[0].id] = time.monotonic_ns()
    ring(rings)
accept.ring = stamped
path, samples = sys.argv[1], int(sys.argv[2])
for _ in range(samples):
    time.sleep(random.uniform(0.01, 0.05))
    enqueue("bench.noop.stamp", (path,))
time.sleep(1)
for line in open(path):
    job_id, started_ns = line.split()
    print((int(started_ns) - committed[job_id]) / 1e6)
"""
DELAYED = """
import random
from mahaam import enqueue
for _ in range(1000):
    enqueue("bench.noop.noop", (None,), delay=random.uniform(4, 12))
"""
LATENESS = """
SELECT extract(epoch FROM started_at - run_at) * 1000 FROM job WHERE state = 'completed'
"""


def figures(servers: BenchServers, _rounds: int) -> Iterator[Figure]:
    """Idle start in ms; then lateness in ms from the rows."""
    servers.use("mahaam")
    servers.clear()
    path = servers.folder / "stamps"
    with running_consumer(servers):
        printed = servers.output("-c", STAMPS, str(path), str(SAMPLES))
    waits_ms = [float(line) for line in printed.splitlines()]
    detail = f"{len(waits_ms)} jobs, each alone, from the commit to the task's first line"
    yield at_most(
        "idle consumer: enqueue commit to task start, p50",
        percentile(waits_ms, 0.5),
        3,
        unit="ms",
        detail=detail,
    )
    yield at_most("the same, p99", percentile(waits_ms, 0.99), 15, unit="ms", detail=detail)
    yield lateness(servers)


def lateness(servers: BenchServers) -> Figure:
    """1,000 delayed jobs that become due over 8 s."""
    servers.clear()
    with running_consumer(servers):
        servers.output("-c", DELAYED)
        wait_for_count(servers, 1000)
    late_ms = [float(row[0]) for row in servers.run(LATENESS)]
    detail = f"p50 {percentile(late_ms, 0.5):.0f} ms, max {max(late_ms):.0f} ms"
    return at_most(
        "1,000 delayed jobs: lateness, p99",
        percentile(late_ms, 0.99),
        150,
        unit="ms",
        detail=detail,
    )


@contextmanager
def running_consumer(servers: BenchServers, *options: str) -> Iterator[int]:
    """A consumer that is ready; its process id."""
    process = servers.python("huey_consumer.py", *options)
    try:
        until(lambda: bool(servers.run("SELECT 1 FROM worker WHERE state = 'running'")))
        time.sleep(1)
        yield process.pid
    finally:
        process.terminate()
        process.communicate()


def wait_for_count(servers: BenchServers, count: int, *, limit_s: float = 60) -> None:
    """Wait until so many jobs are completed."""
    until(
        lambda: servers.run("SELECT count(*) FROM job WHERE state = 'completed'")[0][0] >= count,
        limit_s=limit_s,
    )


def until(condition: Callable[[], bool], *, limit_s: float = 60) -> None:
    """Wait for a condition. Raises TimeoutError."""
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("The condition did not come true in time.")
        time.sleep(0.05)
