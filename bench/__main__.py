"""Measure everything: `python -m bench [--only consuming,enqueueing] [--rounds 5]`."""

from __future__ import annotations

import argparse
import importlib
import sys

from bench import disk
from bench.figure import Figure, report
from bench.servers import running_servers

ENGINE = (
    "consuming",
    "speaking",
    "enqueueing",
    "waiting",
    "backlog",
    "lost_bells",
    "memory",
    "operations",
    "scheduling",
)


def main() -> int:
    """Run the chosen benchmarks; the exit code is 1 when a figure falls short."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", default=",".join(ENGINE), help="which ones, separated by commas")
    parser.add_argument("--rounds", type=int, default=5, help="how often contenders take turns")
    options = parser.parse_args()
    figures: list[Figure] = []
    with running_servers() as servers:
        figures.append(disk.figure(servers.folder))
        for name in options.only.split(","):
            if name not in ENGINE:
                parser.error(f"there is no benchmark {name!r}; there are {', '.join(ENGINE)}")
            print(f"Measuring: {name} …", file=sys.stderr)
            figures += importlib.import_module(f"bench.{name}").figures(servers, options.rounds)
        figures.append(servers.silence())
    return 0 if report(figures, name="engine") else 1


if __name__ == "__main__":
    sys.exit(main())
