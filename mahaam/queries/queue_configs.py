"""The queues as the consumers that serve them see them."""

from __future__ import annotations

from typing import NamedTuple

from mahaam.postgres.database import Cursor


class QueueConfig(NamedTuple):
    """A queue as the dispatcher sees it; `rate_limit` starts are allowed per `rate_period_s`."""

    name: str
    rank: int
    weight: int
    rate_limit: int | None
    rate_period_s: float | None
    paused: bool


LINES = """
SELECT name, rank, weight, rate_limit, rate_period_s,
       paused_at IS NOT NULL AND (resume_at IS NULL OR resume_at > now())
FROM queue ORDER BY rank, name
"""


def lines(cursor: Cursor) -> list[QueueConfig]:
    """Return all queues, the first to be served first."""
    cursor.execute(LINES)
    return [QueueConfig._make(row) for row in cursor.fetchall()]


def paused_tasks(cursor: Cursor) -> list[str]:
    """Return the names of the paused tasks, of which no job is started."""
    cursor.execute("SELECT task FROM task_pause WHERE resume_at IS NULL OR resume_at > now()")
    return [task for (task,) in cursor.fetchall()]


def waiting(cursor: Cursor, names: list[str]) -> bool:
    """Return True if any job is queued in the named queues (all queues when `names` is empty)."""
    cursor.execute(
        "SELECT EXISTS (SELECT FROM job WHERE state = 'queued'"
        " AND (%(all)s OR queue = ANY(%(names)s)))",
        {"all": not names, "names": names},
    )
    row = cursor.fetchone()
    return bool(row and row[0])
