"""What it costs that jobs speak: progress and log lines beside no-ops, and a thousand lines at once."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from bench.consuming import our_rate
from bench.figure import Figure, at_most, reported, spread
from bench.ground import Ground
from bench.waiting import running_consumer, wait_for_count

JOBS = 20_000  # of which the scribe has written nearly all when the last one ends
GREENLETS = 4
LINES = 1000
SPOKEN = """
SELECT (SELECT count(*) FROM job_log) = 2 * count(*) AND bool_and(progress = 50) FROM job
"""
TURNS = """
import sys
from tasks import enqueue
for number in range(int(sys.argv[1])):
    enqueue("bench.noop.say", (int(sys.argv[2]),)), enqueue("bench.noop.say", (0,))
"""
COSTS = "SELECT args->>0, result FROM job WHERE state = 'completed' ORDER BY id"


def figures(ground: Ground, rounds: int) -> Iterator[Figure]:
    """The ratio to plain Huey, whose jobs are silent and leave no record; then milliseconds."""
    ground.use("mahaam")
    yield _ratio(ground, rounds)
    yield from _cost_of_lines(ground, rounds)


def _ratio(ground: Ground, rounds: int) -> Figure:
    ours, theirs = [], []
    for _ in range(rounds):
        plain = ground.output("-m", "bench.plain_huey", str(JOBS), str(GREENLETS))
        theirs.append(float(plain))
        ours.append(our_rate(ground, GREENLETS, jobs=JOBS, task="speak"))
        assert ground.run(SPOKEN) == [(True,)], "something that was said is missing"
    ratios = [our / their for our, their in zip(ours, theirs, strict=True)]
    return reported(
        f"the same with a progress and two log lines each, {GREENLETS} greenlets",
        statistics.median(ratios),
        unit="ratio",
        detail=f"{spread(ours)} against {spread(theirs)} per s; ratios {spread(ratios, digits=2)}",
    )


def _cost_of_lines(ground: Ground, rounds: int) -> Iterator[Figure]:
    """Jobs with and without lines take turns in one consumer; each measures itself."""
    turns = 10 * rounds
    ground.clear()
    with running_consumer(ground, "--workers", "1"):
        ground.output("-c", TURNS, str(turns + 1), str(LINES))
        wait_for_count(ground, 2 * (turns + 1))
    measured = [(int(lines), took_ms) for lines, took_ms in ground.run(COSTS)]
    spoken = [took_ms for lines, took_ms in measured if lines][1:]  # the first one connects
    silent = [took_ms for lines, took_ms in measured if not lines][1:]
    for place, figure in enumerate(
        (f"{LINES} log lines: their job", "their job and their writing")
    ):
        costs = [one[place] - other[place] for one, other in zip(spoken, silent, strict=True)]
        yield at_most(
            figure, statistics.median(costs), 20, unit="ms", detail=spread(costs, digits=1)
        )
