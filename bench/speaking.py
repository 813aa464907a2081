"""What it costs that jobs speak: progress and log lines beside no-ops, and a thousand lines at once."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from bench.consuming import our_rate
from bench.figure import Figure, at_most, reported, spread
from bench.servers import BenchServers
from bench.waiting import running_consumer, wait_for_count

JOBS = 20_000  # of which the log writer has written nearly all when the last one ends
GREENLETS = 4
LINES = 1000
SPOKEN = """
SELECT (SELECT count(*) FROM job_log) = 2 * count(*) AND bool_and(progress = 50) FROM job
"""
TURNS = """
import sys
from mahaam import enqueue
for number in range(int(sys.argv[1])):
    for said in ((0, True), (int(sys.argv[2]), True), (int(sys.argv[2]), False)):
        enqueue("bench.noop.say", said)
"""
COSTS = "SELECT result FROM job WHERE state = 'completed' ORDER BY id"


def figures(servers: BenchServers, rounds: int) -> Iterator[Figure]:
    """The ratio to plain Huey, whose jobs are silent and leave no record; then milliseconds."""
    servers.use("mahaam")
    yield _ratio(servers, rounds)
    yield from _cost_of_lines(servers, rounds)


def _ratio(servers: BenchServers, rounds: int) -> Figure:
    ours, theirs = [], []
    for _ in range(rounds):
        plain = servers.output("-m", "bench.plain_huey", str(JOBS), str(GREENLETS))
        theirs.append(float(plain))
        ours.append(our_rate(servers, GREENLETS, jobs=JOBS, task="speak"))
        assert servers.run(SPOKEN) == [(True,)], "something that was said is missing"
    ratios = [our / their for our, their in zip(ours, theirs, strict=True)]
    return reported(
        f"the same with a progress and two log lines each, {GREENLETS} greenlets",
        statistics.median(ratios),
        unit="ratio",
        detail=f"{spread(ours)} against {spread(theirs)} per s; ratios {spread(ratios, digits=2)}",
    )


def _cost_of_lines(servers: BenchServers, rounds: int) -> Iterator[Figure]:
    """Jobs without lines and with them take turns in one consumer; each measures itself."""
    turns = 10 * rounds + 1
    servers.clear()
    with running_consumer(servers, "--workers", "1"):
        servers.output("-c", TURNS, str(turns), str(LINES))
        wait_for_count(servers, 3 * turns)
    measured = [took_ms for (took_ms,) in servers.run(COSTS)][3:]  # the first turn connects
    silent = measured[::3]
    for name, spoken in (("current_job.log", measured[1::3]), ("logging", measured[2::3])):
        pairs = list(zip(spoken, silent, strict=True))
        said_ms = [one[0] - other[0] for one, other in pairs]
        total_ms = [one[1] - other[1] for one, other in pairs]
        yield at_most(
            f"{LINES} lines of {name} in one job, with their writing",
            statistics.median(total_ms),
            20,
            unit="ms",
            detail=f"{spread(total_ms, digits=1)}, of which the job's {spread(said_ms, digits=1)}",
        )
