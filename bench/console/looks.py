"""Looks at the rules some times: `python -m bench.console.looks`; prints milliseconds as JSON."""

from __future__ import annotations

import json
import logging
import time

from mahaam.alerts import evaluate
from mahaam.postgres import database

LOOKS = 20
NOW = "UPDATE alert_pass SET ended_at = NULL"


def main() -> None:
    """Look, again and again, as if its time had come."""
    logging.disable(logging.WARNING)  # that alerts open is no news here
    took_ms = []
    for _ in range(LOOKS + 1):
        database.repeatable(lambda cursor: cursor.execute(NOW))
        began = time.monotonic()
        assert evaluate.watch()
        took_ms.append((time.monotonic() - began) * 1000)
    print(json.dumps(took_ms[1:]))  # the first one connects


if __name__ == "__main__":
    main()
