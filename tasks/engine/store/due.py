"""Makes delayed jobs and retries due, and finds the ones whose doorbell may have been lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple, Protocol

from tasks.engine.database import Connection, Cursor


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

# Index: job_waiting. A job that was rung and is next in line is claimed at once; one that heads
# the line and is still there after the grace time may have lost its bell. Ringing twice is
# harmless. After a crash of PostgreSQL a queued row may be a running job whose claim was lost:
# its consumer gets the time to say so.
OVERDUE = """
SELECT line.name, head.priority, head.id::text, head.queued_at
FROM queue AS line, LATERAL (
  SELECT priority, id, queued_at FROM job
  WHERE state = 'queued' AND job.queue = line.name
  ORDER BY priority DESC, queued_at, id LIMIT %(limit)s
) AS head
WHERE head.queued_at < now() - %(grace_s)s * interval '1 second'
  AND pg_postmaster_start_time() < now() - %(settling_s)s * interval '1 second'
"""

QUEUED = """
SELECT queue, priority, id::text, queued_at FROM job WHERE state = 'queued'
ORDER BY queue, priority DESC, queued_at, id
"""


def make_due(cursor: Cursor, *, limit: int = 1000) -> list[Ring]:
    """Move jobs whose time has come to queued; returns what to ring."""
    cursor.execute(MAKE_DUE, {"limit": limit})
    return [Ring._make(row) for row in cursor.fetchall()]


def overdue(cursor: Cursor, *, grace_s: float, settling_s: float, limit: int = 200) -> list[Ring]:
    """The heads of all queues that are still queued after `grace_s` seconds."""
    cursor.execute(OVERDUE, {"limit": limit, "grace_s": grace_s, "settling_s": settling_s})
    return [Ring._make(row) for row in cursor.fetchall()]


def all_queued(link: Connection, *, chunk: int = 5000) -> Iterator[list[Ring]]:
    """Every queued job, next in line first, in chunks; memory stays flat."""
    with link.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(f"DECLARE queued NO SCROLL CURSOR FOR {QUEUED}")
        try:
            while True:
                cursor.execute(f"FETCH {chunk:d} FROM queued")
                rows = cursor.fetchall()
                if not rows:
                    return
                yield [Ring._make(row) for row in rows]
        finally:
            cursor.execute("ROLLBACK")
