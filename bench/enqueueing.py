"""How fast jobs are accepted: one by one against Huey, and a hundred thousand in one call."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator

from bench.figure import Figure, at_least, at_most, spread
from bench.ground import Ground

ONE_BY_ONE = """
import json, time
from bench.noop import noop
from bench.plain_huey_tasks import noop as plain
def rate(call, jobs=1500):
    begun = time.perf_counter()
    for _ in range(jobs):
        call(None)
    return jobs / (time.perf_counter() - begun)
rate(noop, 200), rate(plain, 200)
print(json.dumps([(rate(noop), rate(plain)) for _ in range(ROUNDS)]))
"""
BULK = """
import json, psutil, time
from bench.noop import noop
from tasks import enqueue_many
enqueue_many(noop, ((None,) for _ in range(5000)))
memory = psutil.Process().memory_info
before, begun = memory().rss, time.perf_counter()
enqueue_many(noop, ((None,) for _ in range(100_000)))
print(json.dumps([100_000 / (time.perf_counter() - begun), (memory().rss - before) / 1e6]))
"""


def figures(ground: Ground, rounds: int) -> Iterator[Figure]:
    """One by one (contenders in one process, in turns), then in bulk."""
    ground.use("mahaam")
    ground.clear()
    program = ONE_BY_ONE.replace("ROUNDS", str(rounds))
    pairs = json.loads(ground.output("-c", program))
    ratios = [ours / theirs for ours, theirs in pairs]
    yield at_least(
        "one-by-one durable enqueue, against plain Huey",
        statistics.median(ratios),
        0.35,
        unit="ratio",
        detail=f"{spread([ours for ours, _ in pairs])} against {spread([their for _, their in pairs])} per s",
    )
    runs = []
    for _ in range(rounds):
        ground.clear()
        runs.append(json.loads(ground.output("-c", BULK)))
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
