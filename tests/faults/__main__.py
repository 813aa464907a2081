"""The long form: `python -m tests.faults`; exit code 1 when a rule was broken."""

from __future__ import annotations

import argparse
import os
import random
import sys
from pathlib import Path

from rich.console import Console

from mahaam import config
from tests.faults.campaign import Campaign, Result, carry_out
from tests.faults.campaigns import LONG, SHORT
from tests.faults.report import table, write_into
from tests.faults.servers import own_servers

AS_DELIVERED: dict[str, str] = {}  # PostgreSQL's settings: those of the product alone

console = Console(width=None if sys.stdout.isatty() else 160)


def main() -> int:
    """Carry out the campaigns that the command line names, each on servers of its own."""
    options = _options()
    for name in config.Settings.model_fields:  # nothing of the developer's own reaches a campaign
        os.environ.pop(config.env_name(name), None)
    os.environ["APP_ENV"] = "test"
    chosen = [
        campaign
        for campaign in (SHORT if options.short else LONG)
        if all(word in campaign.name for word in options.words)
    ]
    results = [_carried_out(campaign, options.seed) for campaign in chosen]
    console.print(table(results))
    if options.document:
        write_into(options.document, results)
    return int(any(result.broken for result in results) or not results)


def _carried_out(campaign: Campaign, seed: int) -> Result:
    own_seed = random.Random(f"{seed}:{campaign.name}").randrange(2**32)
    console.print(f"{campaign.name} … (seed {seed})", end=" ")
    with own_servers(
        AS_DELIVERED,
        postgres_environment=campaign.postgres_environment(),
        disk_mb=campaign.disk_mb,
    ) as servers:
        result = carry_out(campaign, servers, seed=own_seed)
    console.print("held" if not result.broken else "BROKEN", f"in {result.seconds:.0f} s")
    for sentence in result.broken:
        console.print(f"  {sentence}", style="red", markup=False, soft_wrap=True)
    return result


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("words", nargs="*", help="only campaigns whose name has all these words")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    parser.add_argument("--short", action="store_true", help="the form that is in `make test`")
    parser.add_argument("--document", type=Path, help="write the table into this page")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
