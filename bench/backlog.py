"""Whether a full table slows the consumer: a million jobs waiting and three million finished."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from bench.consuming import BULK, RATE
from bench.figure import Figure, at_least, spread
from bench.servers import BenchServers

JOBS = 6000
FILL = """
INSERT INTO job (id, task, queue, priority, state, args, queued_at, started_at, finished_at, worker_id,
                 created_at, attempt)
SELECT uuidv7(-interval '1 day' + number * interval '10 milliseconds'), 'bench.noop.noop', 'default', 0,
       %s, '[null]', now() - interval '1 day', CASE WHEN %s THEN now() END, CASE WHEN %s THEN now() END,
       CASE WHEN %s THEN gen_random_uuid() END, now() - interval '1 day', CASE WHEN %s THEN 1 ELSE 0 END
FROM generate_series(1, %s) AS number
"""
RING = """
from mahaam.queues import reconcile
reconcile.whole(repair=True, by="bench")
"""
FAST = 100  # priority of the jobs that are measured: they overtake the million


def figures(servers: BenchServers, rounds: int) -> Iterator[Figure]:
    """The rate on the full table against the rate on an empty one, in turns."""
    servers.use("loaded")
    for state, count in (("completed", 3_000_000), ("queued", 1_000_000)):
        ended = state == "completed"
        servers.run(FILL, state, ended, ended, ended, ended, count)
    servers.run("VACUUM ANALYZE job")
    servers.output("-c", RING)
    full: list[float] = []
    empty: list[float] = []
    for _ in range(rounds):
        for name, rates in (("bare", empty), ("loaded", full)):
            servers.use(name)
            rates.append(_rate(servers))
    ratios = [one / other for one, other in zip(full, empty, strict=True)]
    yield at_least(
        "consume rate with 1,000,000 waiting and 3,000,000 finished, against an empty table",
        statistics.median(ratios),
        0.85,
        unit="ratio",
        detail=f"{spread(full)} against {spread(empty)} per s; ratios {spread(ratios, digits=2)}",
    )


def _rate(servers: BenchServers) -> float:
    servers.run("DELETE FROM job WHERE priority = %s", FAST)
    servers.output("-c", BULK, str(JOBS), str(FAST))
    servers.consume("--max-jobs", str(JOBS))
    return float(servers.run(RATE, FAST)[0][0])
