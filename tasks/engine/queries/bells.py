"""What the rows say of ids that stand in Redis, and which rows should have a bell there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tasks.engine.database import Cursor
from tasks.engine.new_job import INT4

# Index: job_pkey.
PLACES = "SELECT id::text, state, queue, priority FROM job WHERE id = ANY(%s::uuid[])"

# Index: job_waiting, in two pieces: written as one condition, each step would read its priority from
# the beginning.
EXPECTED = """
SELECT queue, priority, id::text FROM (
  (SELECT queue, priority, id FROM job
   WHERE state = 'queued' AND queue = %(queue)s AND priority = %(priority)s AND id > %(id)s::uuid
     AND queued_at < now() - %(grace_s)s * interval '1 second'
   ORDER BY id LIMIT %(limit)s)
  UNION ALL
  (SELECT queue, priority, id FROM job
   WHERE state = 'queued' AND queue = %(queue)s AND priority < %(priority)s
     AND queued_at < now() - %(grace_s)s * interval '1 second'
   ORDER BY priority DESC, id LIMIT %(limit)s)
) AS next ORDER BY priority DESC, id LIMIT %(limit)s
"""

COUNT = """
SELECT count(*) FROM (
  SELECT FROM job WHERE state = 'queued' AND queue = %(queue)s LIMIT %(limit)s
) AS found
"""


class Waiting(NamedTuple):
    """A queued job, whose id should stand in Redis."""

    queue: str
    priority: int
    id: str


FIRST = Waiting("", INT4, "00000000-0000-0000-0000-000000000000")


class Place(NamedTuple):
    """Where a job is: only a queued one may stand in Redis, in its queue and at its priority."""

    id: str
    state: str
    queue: str
    priority: int


def places(cursor: Cursor, ids: Sequence[str]) -> dict[str, Place]:
    """Those of `ids` that are jobs."""
    cursor.execute(PLACES, (list(ids),))
    return {row[0]: Place._make(row) for row in cursor.fetchall()}


def expected(
    cursor: Cursor, queue: str, *, grace_s: float, after: Waiting = FIRST, limit: int
) -> list[Waiting]:
    """The next jobs of a queue, behind `after`, that are queued for longer than `grace_s`."""
    values = {"queue": queue, "grace_s": grace_s, "priority": after.priority, "id": after.id}
    cursor.execute(EXPECTED, {**values, "limit": limit})
    return [Waiting._make(row) for row in cursor.fetchall()]


def count(cursor: Cursor, queue: str, *, limit: int) -> int:
    """How many jobs are queued in a queue; counting ends at `limit`."""
    cursor.execute(COUNT, {"queue": queue, "limit": limit})
    row = cursor.fetchone()
    return int(row[0]) if row else 0
