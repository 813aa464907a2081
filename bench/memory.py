"""How much memory a consumer takes, and whether it grows."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psutil

from bench.consuming import BULK
from bench.figure import Figure, at_most
from bench.servers import BenchServers
from bench.waiting import running_consumer

JOBS = 500_000
EARLY, LATE = 100_000, 498_000
DONE = "SELECT coalesce(sum(completed), 0) FROM job_minute"


def figures(servers: BenchServers, _rounds: int) -> Iterator[Figure]:
    """The consumer's resident memory between job 100,000 and job 500,000."""
    servers.use("mahaam")
    servers.clear()
    servers.output("-c", BULK, str(JOBS), "0")
    with running_consumer(servers) as pid:
        early_mb = _memory_mb_at(servers, pid, EARLY)
        late_mb = _memory_mb_at(servers, pid, LATE)
    detail = f"{early_mb:.1f} MB at job 100,000, {late_mb:.1f} MB at job 500,000"
    yield at_most("consumer memory", max(early_mb, late_mb), 120, unit="MB", detail=detail)
    yield at_most("its growth between these", late_mb - early_mb, 5, unit="MB", detail=detail)


def _memory_mb_at(servers: BenchServers, pid: int, count: int) -> float:
    while servers.run(DONE)[0][0] < count:
        time.sleep(0.2)
    return float(psutil.Process(pid).memory_info().rss / 1e6)
