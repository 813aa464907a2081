"""The long form: `python -m tests.soak --minutes 30`; exit code 1 when a rule was broken."""

from __future__ import annotations

import argparse
import os
import sys

from mahaam import config
from tests.faults.servers import own_servers
from tests.soak.result import LONG, SHORT
from tests.soak.soak import soak

SHORT_MINUTES = 2  # below that, a process is still warming up


def main() -> int:
    """Soak on servers of its own, as the product starts them."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    minutes: float = parser.parse_args().minutes
    for name in config.Settings.model_fields:  # nothing of the developer's own reaches a soak
        os.environ.pop(config.env_name(name), None)
    os.environ["APP_ENV"] = "test"
    with own_servers({}) as servers:
        soaked = soak(
            servers,
            minutes=minutes,
            bounds=LONG if minutes > SHORT_MINUTES else SHORT,
            tell=lambda text: print(text, end=" ", flush=True),
        )
    print(f"\n{soaked.summary()}")
    for sentence in soaked.broken:
        print(f"BROKEN: {sentence}")
    print("held" if not soaked.broken else "did not hold")
    return int(bool(soaked.broken))


if __name__ == "__main__":
    sys.exit(main())
