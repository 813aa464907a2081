"""How fast jobs are consumed: the whole life of each recorded, against Huey without a record."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from bench.figure import Figure, at_least, reported, spread
from bench.servers import BenchServers

JOBS = 20_000  # some seconds: a consumer's start is over soon
BULK = """
import sys
from bench import noop
from mahaam import enqueue_many
jobs, priority, name = (*sys.argv[1:], "noop")[:3]
enqueue_many(getattr(noop, name), ((None,) for _ in range(int(jobs))), priority=int(priority))
"""
RATE = """
SELECT count(*) / extract(epoch FROM max(finished_at) - min(started_at)) FROM job
WHERE state = 'completed' AND priority = %s
"""
TARGETS = {4: 1.2, 16: 2.5}
SLOW_DISK_MS = 2.0


def figures(servers: BenchServers, rounds: int) -> Iterator[Figure]:
    """The ratio for 4 and for 16 greenlets, the latter also on a slow disk; the contenders take turns."""
    servers.use("mahaam")
    for greenlets, target in TARGETS.items():
        yield _against_huey(servers, rounds, greenlets, target)
    if not servers.disk.is_possible:
        yield reported(
            "the same on a slow disk", 0, unit="–", detail="not measured: there is no C compiler"
        )
        return
    with servers.disk.taking(SLOW_DISK_MS):
        slow = f", fdatasync of {SLOW_DISK_MS:g} ms"
        yield _against_huey(servers, rounds, 16, TARGETS[16], more=slow)


def _against_huey(
    servers: BenchServers, rounds: int, greenlets: int, target: float, *, more: str = ""
) -> Figure:
    ours, theirs = [], []
    for _ in range(rounds):
        theirs.append(float(servers.output("-m", "bench.plain_huey", str(JOBS), str(greenlets))))
        ours.append(our_rate(servers, greenlets))
    ratios = [our / their for our, their in zip(ours, theirs, strict=True)]
    return at_least(
        f"no-op jobs consumed, {greenlets} greenlets{more}, against plain Huey",
        statistics.median(ratios),
        target,
        unit="ratio",
        detail=f"{spread(ours)} against {spread(theirs)} per s; ratios {spread(ratios, digits=2)}",
    )


def our_rate(
    servers: BenchServers, greenlets: int, *, jobs: int = JOBS, task: str = "noop"
) -> float:
    """Jobs per second from the first row's start to the last row's finish, on a clear servers."""
    servers.clear()
    servers.output("-c", BULK, str(jobs), "0", task)
    servers.consume("--workers", str(greenlets), "--stop-when-empty")
    return float(servers.run(RATE, 0)[0][0])
