"""Makes delayed jobs and retries due."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, Protocol

from tasks.engine.database import Cursor


class Ring(NamedTuple):
    """What Redis must know of a queued job."""

    queue: str
    priority: int
    id: str
    queued_at: datetime


class Member(NamedTuple):
    """An id that may stand in a queue of Redis."""

    queue: str
    id: str


class InQueue(Protocol):
    """What is enough to take an id out of a queue of Redis: a Member, a Ring, a Claim."""

    @property
    def queue(self) -> str:
        """The queue."""

    @property
    def id(self) -> str:
        """The job's id."""


# Index: job_due. SKIP LOCKED lets any number of consumers do this side by side. What is due together
# is queued a microsecond apart, in the order of its times: else the ids would decide, and with
# them the clocks of clients. To write a row takes longer than that.
MAKE_DUE = """
WITH due AS (
  SELECT id, run_at FROM job WHERE state IN ('scheduled', 'retrying') AND run_at <= now()
  ORDER BY run_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), ordered AS (
  SELECT id, row_number() OVER (ORDER BY run_at, id) AS place FROM due
)
UPDATE job SET state = 'queued', queued_at = now() + ordered.place * interval '1 microsecond'
FROM ordered WHERE job.id = ordered.id AND job.state IN ('scheduled', 'retrying')
RETURNING job.queue, job.priority, job.id::text, job.queued_at
"""


def make_due(cursor: Cursor, *, limit: int = 1000) -> list[Ring]:
    """Move jobs whose time has come to queued; returns what to ring."""
    cursor.execute(MAKE_DUE, {"limit": limit})
    return [Ring._make(row) for row in cursor.fetchall()]
