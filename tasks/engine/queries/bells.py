"""What the rows say of ids that stand in Redis, and which rows should have a bell there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from tasks.engine.database import Cursor
from tasks.engine.new_job import INT4
from tasks.engine.states import State
from tasks.engine.store.due import Ring

# Index: job_pkey.
PLACES = "SELECT id::text, state, queue, priority, queued_at FROM job WHERE id = ANY(%s::uuid[])"

# Index: job_waiting, in two pieces: written as one condition, each step would read its priority from
# the beginning.
EXPECTED = """
SELECT queue, priority, id::text, queued_at FROM (
  (SELECT queue, priority, queued_at, id FROM job
   WHERE state = 'queued' AND queue = %(queue)s AND priority = %(priority)s
     AND (queued_at, id) > (%(queued_at)s, %(id)s::uuid)
     AND queued_at < now() - %(grace_s)s * interval '1 second'
   ORDER BY queued_at, id LIMIT %(limit)s)
  UNION ALL
  (SELECT queue, priority, queued_at, id FROM job
   WHERE state = 'queued' AND queue = %(queue)s AND priority < %(priority)s
     AND queued_at < now() - %(grace_s)s * interval '1 second'
   ORDER BY priority DESC, queued_at, id LIMIT %(limit)s)
) AS next ORDER BY priority DESC, queued_at, id LIMIT %(limit)s
"""

COUNT = """
SELECT count(*) FROM (
  SELECT FROM job WHERE state = 'queued' AND queue = %(queue)s LIMIT %(limit)s
) AS found
"""


FIRST = Ring("", INT4, str(UUID(int=0)), datetime.min.replace(tzinfo=UTC))


class Place(NamedTuple):
    """Where a job is: only a queued one may stand in Redis, in its queue and at its place."""

    id: str
    state: str
    queue: str
    priority: int
    queued_at: datetime | None

    @property
    def ring(self) -> Ring | None:
        """What Redis must know of it; None for one that is not queued."""
        if self.state != State.QUEUED or self.queued_at is None:
            return None
        return Ring(self.queue, self.priority, self.id, self.queued_at)


def places(cursor: Cursor, ids: Sequence[str]) -> dict[str, Place]:
    """Those of `ids` that are jobs."""
    cursor.execute(PLACES, (list(ids),))
    return {row[0]: Place._make(row) for row in cursor.fetchall()}


def expected(
    cursor: Cursor, queue: str, *, grace_s: float, after: Ring = FIRST, limit: int
) -> list[Ring]:
    """The next jobs of a queue, behind `after`, that are queued for longer than `grace_s`."""
    cursor.execute(
        EXPECTED, {**after._asdict(), "queue": queue, "grace_s": grace_s, "limit": limit}
    )
    return [Ring._make(row) for row in cursor.fetchall()]


def count(cursor: Cursor, queue: str, *, limit: int) -> int:
    """How many jobs are queued in a queue; counting ends at `limit`."""
    cursor.execute(COUNT, {"queue": queue, "limit": limit})
    row = cursor.fetchone()
    return int(row[0]) if row else 0
