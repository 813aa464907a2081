"""What must hold of a soak: nothing grows, nobody reconnects, nobody complains."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.figure import percentile
from bench.log_lines import serious
from tests.soak.readings import Reading, all_waits

# What the load provokes: jobs that are made to fail for good are to be seen by somebody.
PROVOKED = (
    r"tests\.soak\.jobs\.fall",
    r"Cause [a-e] of the soak",
    r"Alert opened\..* rule=A job failed for good ",
)
LASTING = (
    "dispatcher",
    "maintenance",
    "scheduler",
    "beat",
    "consumer",
)  # connections that are kept


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """How much the last third of a soak may exceed the middle one; a short soak is still warming up."""

    memory_mb: float
    files: int
    threads: int
    connections: int
    tables_mb_per_minute: float
    latency_times: float
    latency_s: float


LONG = Bounds(
    memory_mb=6, files=2, threads=1, connections=2, tables_mb_per_minute=1, latency_times=2,
    latency_s=0.05,
)  # fmt: skip
SHORT = Bounds(
    memory_mb=20, files=6, threads=4, connections=10, tables_mb_per_minute=60, latency_times=5,
    latency_s=2,
)  # fmt: skip

Rule = Callable[[Sequence[Reading], Sequence[Reading], Bounds], Iterator[str]]


def judge(readings: Sequence[Reading], bounds: Bounds, logs: Sequence[Path]) -> list[str]:
    """Return a sentence for each rule that did not hold; the first third is for warming up."""
    third = len(readings) // 3
    if third < 2:
        return [f"Only {len(readings)} readings were taken; 6 are needed."]
    middle, last = readings[third : 2 * third], readings[2 * third :]
    broken = [sentence for rule in RULES for sentence in rule(middle, last, bounds)]
    return broken + [f"Said, and not provoked: {line}" for line in serious(logs, PROVOKED)]


def _processes_stay_level(
    middle: Sequence[Reading], last: Sequence[Reading], bounds: Bounds
) -> Iterator[str]:
    for name in middle[0].usage:
        for what in ("memory_mb", "files", "threads"):
            before, after = (_median(part, name, what) for part in (middle, last))
            if after - before > getattr(bounds, what):
                yield f"{what} of {name} grew from {before:g} to {after:g}."


def _connections_stay_level(
    middle: Sequence[Reading], last: Sequence[Reading], bounds: Bounds
) -> Iterator[str]:
    for what, count in (
        ("PostgreSQL", lambda reading: len(reading.backends)),
        ("Redis", lambda reading: reading.redis_clients),
    ):
        before, after = (statistics.median(map(count, part)) for part in (middle, last))
        if after - before > bounds.connections:
            yield f"Connections to {what} grew from {before:g} to {after:g}."


def _nobody_reconnects(
    middle: Sequence[Reading], last: Sequence[Reading], _: Bounds
) -> Iterator[str]:
    before, after = _kept(middle[0]), _kept(last[-1])
    if not before:
        yield f"No connection has one of these names: {', '.join(LASTING)}."
    for _pid, name in sorted(after - before):
        yield f"A consumer connected anew: {name}."


def _tables_stay_level(
    middle: Sequence[Reading], last: Sequence[Reading], bounds: Bounds
) -> Iterator[str]:
    minutes = (last[-1].at_s - middle[-1].at_s) / 60
    grown = (last[-1].tables_mb - middle[-1].tables_mb) / minutes
    if grown > bounds.tables_mb_per_minute:
        yield (
            f"The tables grow by {grown:.1f} MB a minute, to {last[-1].tables_mb:.0f} MB, "
            f"most of it in {_most_grown(middle[-1].sizes_mb, last[-1].sizes_mb)}."
        )


def _most_grown(before: Mapping[str, float], after: Mapping[str, float]) -> str:
    grown = {table: size - before.get(table, 0) for table, size in after.items()}
    most = sorted(grown, key=grown.__getitem__, reverse=True)[:4]
    return ", ".join(f"{table} ({grown[table]:.2f})" for table in most)


def _latency_stays_level(
    middle: Sequence[Reading], last: Sequence[Reading], bounds: Bounds
) -> Iterator[str]:
    before, after = all_waits(middle), all_waits(last)
    if not before or not after:
        yield "No probe was started."
        return
    was, is_now = percentile(before, 0.99), percentile(after, 0.99)
    if is_now > bounds.latency_times * was + bounds.latency_s:
        yield f"p99 of the start latency rose from {1000 * was:.0f} to {1000 * is_now:.0f} ms."


def _no_fence_refused(_: Sequence[Reading], last: Sequence[Reading], __: Bounds) -> Iterator[str]:
    if last[-1].late_results:
        yield f"{last[-1].late_results} results came late and were refused."


RULES: tuple[Rule, ...] = (
    _processes_stay_level,
    _connections_stay_level,
    _nobody_reconnects,
    _tables_stay_level,
    _latency_stays_level,
    _no_fence_refused,
)


def _median(part: Sequence[Reading], name: str, what: str) -> float:
    return statistics.median(getattr(reading.usage[name], what) for reading in part)


def _kept(reading: Reading) -> set[tuple[int, str]]:
    return {(pid, name) for pid, name in reading.backends if name.rpartition(" ")[2] in LASTING}
