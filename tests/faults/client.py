"""An application that enqueues: a process of its own, which notes the id of each accepted job."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from mahaam import enqueue
from mahaam.core.errors import DatabaseUnavailable
from tests.faults import clocks
from tests.faults.chains import CHORD_JOBS, LINKS, a_chord, a_pipeline
from tests.faults.load_clients import load_clients
from tests.faults.work import work

Call = dict[str, int]
REFUSED_PAUSE_S = 0.1
FAILURES = {33: 1, 66: 2}  # of each hundred jobs one fails once, one for good


def stream(options: argparse.Namespace) -> None:
    """Enqueue one by one, through every outage; what is refused is offered again as a new job."""
    accepted = os.open(options.accepted, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for number in range(options.count):
        call = {"ms": options.ms, "failures": FAILURES.get(number % 100, 0)}
        os.write(accepted, f"{_offered(call)}\n".encode())
        time.sleep(options.pace_ms / 1000)
    os.close(accepted)


def chords(options: argparse.Namespace) -> None:
    """Enqueue chords until there are `count` jobs, callbacks included."""
    _chains(options, a_chord, jobs_each=CHORD_JOBS)


def pipelines(options: argparse.Namespace) -> None:
    """Enqueue pipelines until there are `count` jobs, followers included."""
    _chains(options, a_pipeline, jobs_each=LINKS)


def same_key(options: argparse.Namespace) -> None:
    """Enqueue all at one moment under one dedupe key; prints the ids and who was told no."""
    together = Barrier(options.count)

    def one(_number: int) -> str:
        together.wait()
        made = enqueue(work, kwargs={"ms": options.ms}, dedupe_key="the same")
        return f"{made.id} {made.deduplicated}"

    with ThreadPoolExecutor(options.count) as threads:
        print(*threads.map(one, range(options.count)), sep="\n")


def _chains(
    options: argparse.Namespace, enqueue_one: Callable[[int, int], list[str]], *, jobs_each: int
) -> None:
    with options.accepted.open("a") as accepted:
        for number in range(options.count // jobs_each):
            print(*enqueue_one(number, options.ms), sep="\n", file=accepted, flush=True)
            time.sleep(options.pace_ms / 1000)


def _offered(call: Call) -> str:
    while True:
        try:
            return str(enqueue(work, kwargs=call).id)
        except DatabaseUnavailable:
            time.sleep(REFUSED_PAUSE_S)


WAYS = {
    "stream": stream,
    "chords": chords,
    "pipelines": pipelines,
    "same-key": same_key,
    "load-clients": load_clients,
    "doubled-hour": clocks.schedule,
}


def main() -> None:
    """Enqueue in the way that the command line names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--ms", type=int, required=True)
    parser.add_argument("--pace-ms", type=float, default=0)
    parser.add_argument("--accepted", type=Path)
    options = parser.parse_args()
    WAYS[options.way](options)


if __name__ == "__main__":
    main()
