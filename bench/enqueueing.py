"""How fast jobs are accepted: one by one and by threads against Huey, and many in one call."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator

from bench.figure import Figure, at_least, at_most, reported, spread
from bench.servers import BenchServers

THREADS = 8
ONE_BY_ONE = """
import json, sys, threading, time
from bench.noop import noop
from bench.plain_huey_tasks import durable, noop as plain
rounds, jobs, threads = map(int, sys.argv[1:])
def rate(call, jobs, threads=1):
    def some():
        for _ in range(jobs // threads):
            call(None)
    workers = [threading.Thread(target=some) for _ in range(threads)]
    begun = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return jobs / (time.perf_counter() - begun)
contenders = {"ours": noop, "plain": plain, "durable": durable}
for call in contenders.values():
    rate(call, 200), rate(call, 8 * threads, threads)
print(json.dumps([
    {name: [rate(call, jobs), rate(call, 2 * jobs, threads)] for name, call in contenders.items()}
    for _ in range(rounds)
]))
"""
BULK = """
import json, psutil, sys, time
from bench.noop import noop
from mahaam import enqueue_many
jobs = int(sys.argv[1])
enqueue_many(noop, ((None,) for _ in range(5000)))
memory = psutil.Process().memory_info
before, begun, steps = memory().rss, time.perf_counter(), []
enqueue_many(noop, ((None,) for _ in range(jobs)), progress=steps.append)
took_s = time.perf_counter() - begun
assert sum(steps) == jobs
print(json.dumps([jobs / took_s, (memory().rss - before) / 1e6]))
"""
JOBS = 1000
MANY, MILLION = 100_000, 1_000_000


def figures(servers: BenchServers, rounds: int) -> Iterator[Figure]:
    """One by one (contenders in one process, in turns), then in bulk."""
    servers.use("mahaam")
    servers.clear()
    yield from _one_by_one(servers, rounds)
    yield from _bulk(servers, rounds)


def _one_by_one(servers: BenchServers, rounds: int) -> Iterator[Figure]:
    printed = servers.output("-c", ONE_BY_ONE, str(rounds), str(JOBS), str(THREADS))
    measured = json.loads(printed)
    for place, threads, against, target in (
        (0, "one by one", "durable", 1.0),
        (1, f"{THREADS} threads", "plain", 0.5),
        (1, f"{THREADS} threads", "durable", None),
        (0, "one by one", "plain", None),
    ):
        ours, theirs = ([turn[name][place] for turn in measured] for name in ("ours", against))
        ratios = [our / their for our, their in zip(ours, theirs, strict=True)]
        name = f"durable enqueue, {threads}, against plain Huey {OF_HUEY[against]}"
        detail = f"{spread(ours)} against {spread(theirs)} per s; ratios {spread(ratios, digits=2)}"
        ratio = statistics.median(ratios)
        if target is None:
            yield reported(name, ratio, unit="ratio", detail=detail)
        else:
            yield at_least(name, ratio, target, unit="ratio", detail=detail)


# What each contender keeps when Redis and the machine lose their power.
OF_HUEY = {
    "durable": "on a Redis with appendfsync always",
    "plain": "that waits for no disk",
}


def _bulk(servers: BenchServers, rounds: int) -> Iterator[Figure]:
    runs = [_bulk_run(servers, MANY) for _ in range(rounds)]
    rates, growths = [rate for rate, _ in runs], [growth for _, growth in runs]
    yield at_least(
        "bulk enqueue of 100,000",
        statistics.median(rates),
        30_000,
        unit="jobs/s",
        detail=spread(rates),
    )
    yield at_most(
        "memory that this takes",
        statistics.median(growths),
        10,
        unit="MB",
        detail=spread(growths, digits=1),
    )
    rate, growth = _bulk_run(servers, MILLION)
    yield at_most(
        "bulk enqueue of 1,000,000",
        MILLION / rate,
        60,
        unit="s",
        detail=f"{rate:.0f} per s, {growth:.0f} MB",
    )


def _bulk_run(servers: BenchServers, jobs: int) -> tuple[float, float]:
    """Jobs per second, and the memory in MB that they took."""
    servers.clear()
    rate, growth = json.loads(servers.output("-c", BULK, str(jobs)))
    return rate, growth
