"""The rows that loops could not handle, and the tasks that no live worker knows."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from mahaam.postgres.ask import Ask

SHOWN = 200

# Index: set_aside_first.
ASIDE = """
SELECT loop, key, reason, tries, first_at, last_at, retry_at FROM set_aside
ORDER BY first_at DESC LIMIT %(limit)s
"""
COUNT = "SELECT count(*), min(first_at) FROM set_aside"
# Rows that were asked for lately: a job that waits for a worker comes every few seconds.
UNKNOWN = """
SELECT task, min(since) FROM unknown_task WHERE seen_at > now() - interval '1 minute'
GROUP BY task ORDER BY task LIMIT %(limit)s
"""


class AsideEntry(NamedTuple):
    """A row that a loop leaves alone, the reason, and when the loop tries it again."""

    loop: str
    key: str
    reason: str
    tries: int
    first_at: datetime
    last_at: datetime
    retry_at: datetime


class AsideCount(NamedTuple):
    """How many rows are set aside, and since when the first of them is."""

    rows: int
    since: datetime | None


NOTHING_ASIDE = AsideCount(0, None)


class UnknownTaskEntry(NamedTuple):
    """A task of which jobs wait, and since when no live worker knows it."""

    task: str
    since: datetime


def aside_entries(ask: Ask) -> list[AsideEntry]:
    """Return the newest rows that are set aside."""
    return [AsideEntry(*row) for row in ask(ASIDE, {"limit": SHOWN})]


def aside_count(ask: Ask) -> AsideCount:
    """Return how many there are."""
    (row,) = ask(COUNT, {})
    return AsideCount(*row)


def unknown_tasks(ask: Ask) -> list[UnknownTaskEntry]:
    """Return the tasks that nobody knows and jobs wait for."""
    return [UnknownTaskEntry(*row) for row in ask(UNKNOWN, {"limit": 20})]
