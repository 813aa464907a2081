"""Measure the control room: `python -m bench.console [--rows 10000000] [--requests 40]`.

Needs about 10 GB of disk for ten million rows, and leaves nothing of them.
"""

from __future__ import annotations

import argparse
import sys
from urllib.parse import urlencode

from bench.console.load import load
from bench.console.measures import (
    alerts_figure,
    export_figure,
    page_figures,
    slow_clients_figure,
    viewers_figure,
)
from bench.console.scenarios import JOBS, paths
from bench.console.site import Site, site
from bench.figure import Figure, report
from bench.servers import BenchServers, running_servers

FEW, MANY = "few", "many"
MONITOR = "/admin/queues/"
NEWEST = """
SELECT to_char(created_at, 'YYYY-MM-DD"T"HH24:MI:SS') FROM job ORDER BY id DESC OFFSET %s LIMIT 1
"""


def main() -> int:
    """Load, measure, report; the exit code is 1 when a figure falls short."""
    parser = argparse.ArgumentParser(prog="python -m bench.console", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000, help="jobs in the full database")
    parser.add_argument(
        "--few", type=int, default=10_000, help="jobs in the one it is held against"
    )
    parser.add_argument("--requests", type=int, default=40, help="of each page")
    options = parser.parse_args()
    with running_servers() as servers:
        for database, rows in ((FEW, options.few), (MANY, options.rows)):
            print(f"Loading {rows:,} jobs …", file=sys.stderr)
            servers.use(database)
            load(servers.owner_url, rows)
        with site(servers, FEW) as few, site(servers, MANY) as many:
            figures = measured(servers, few, many, options.requests, options.rows)
        figures.append(servers.silence())
    return 0 if report(figures, name="console") else 1


def measured(
    servers: BenchServers, few: Site, many: Site, requests: int, rows: int
) -> list[Figure]:
    """All figures; `many` serves `rows` jobs."""
    asked = []
    for database, served in ((FEW, few), (MANY, many)):
        servers.use(database)
        asked.append((served, paths(servers, served)))
    print(f"Measuring {len(asked[1][1])} pages …", file=sys.stderr)
    figures = list(page_figures(*asked, requests=requests))
    figures.append(viewers_figure(many, MONITOR))
    figures.append(slow_clients_figure(many, JOBS))
    figures.append(alerts_figure(servers))
    ((since,),) = servers.run(NEWEST, rows // 10)
    newest_tenth = urlencode({"created_from": since})
    figures += [export_figure(many, newest_tenth, form=form) for form in ("csv", "json")]
    return figures


if __name__ == "__main__":
    sys.exit(main())
