"""Facts in PostgreSQL about ids in Redis, and the rows that should have a notice there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from mahaam.jobs.job_option import INT4
from mahaam.jobs.notice import Notice
from mahaam.jobs.states import State
from mahaam.postgres.database import Cursor

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

# For each queue, the jobs that are next, and for one of its priorities the last ones and some from
# a random time on: all by a few descents of the index job_waiting, with a million jobs as with ten.
# After a crash of PostgreSQL a queued row may be a running job whose claim was lost: its consumer
# gets the time to report it. A sub-select with random() is carried out once for each queue.
PROBES = """
WITH line AS MATERIALIZED (
  SELECT name, now() - %(grace_s)s * interval '1 second' AS before FROM queue
  WHERE pg_postmaster_start_time() < now() - %(settling_s)s * interval '1 second'
), served AS MATERIALIZED (
  SELECT line.*, first.priority AS highest, last.priority AS lowest FROM line, LATERAL (
    SELECT priority FROM job WHERE state = 'queued' AND queue = line.name
    ORDER BY priority DESC, queued_at, id LIMIT 1) AS first, LATERAL (
    SELECT priority FROM job WHERE state = 'queued' AND queue = line.name
    ORDER BY priority, queued_at DESC, id DESC LIMIT 1) AS last
), chosen AS MATERIALIZED (
  SELECT name, before, lowest + floor(random() * (highest::float8 - lowest + 1)) AS priority FROM served
), span AS MATERIALIZED (
  SELECT name, before, first.priority, oldest_at, newest_at FROM chosen, LATERAL (
    SELECT priority, queued_at AS oldest_at FROM job
    WHERE state = 'queued' AND queue = name AND priority <= chosen.priority::int
    ORDER BY priority DESC, queued_at, id LIMIT 1) AS first, LATERAL (
    SELECT queued_at AS newest_at FROM job
    WHERE state = 'queued' AND queue = name AND job.priority = first.priority AND queued_at < before
    ORDER BY queued_at DESC, id DESC LIMIT 1) AS last
), moment AS MATERIALIZED (
  SELECT *, oldest_at + random() * (newest_at - oldest_at) AS at FROM span
)
(SELECT line.name, head.priority, head.id::text, head.queued_at, true FROM line, LATERAL (
  SELECT priority, id, queued_at FROM job WHERE state = 'queued' AND queue = line.name
  ORDER BY priority DESC, queued_at, id LIMIT %(head)s) AS head
 WHERE head.queued_at < line.before)
UNION ALL
(SELECT name, moment.priority, last.id::text, last.queued_at, false FROM moment, LATERAL (
  SELECT id, queued_at FROM job
  WHERE state = 'queued' AND queue = name AND job.priority = moment.priority AND queued_at < before
  ORDER BY queued_at DESC, id DESC LIMIT %(some)s) AS last)
UNION ALL
(SELECT name, moment.priority, next.id::text, next.queued_at, false FROM moment, LATERAL (
  SELECT id, queued_at FROM job
  WHERE state = 'queued' AND queue = name AND job.priority = moment.priority AND queued_at < before
    AND queued_at >= at
  ORDER BY queued_at, id LIMIT %(some)s) AS next)
"""
HEAD = 200  # of the next jobs, and a twentieth of that of the others

COUNT = """
SELECT count(*) FROM (
  SELECT FROM job WHERE state = 'queued' AND queue = %(queue)s LIMIT %(limit)s
) AS found
"""


FIRST = Notice("", INT4, str(UUID(int=0)), datetime.min.replace(tzinfo=UTC))


class NoticeProbe(NamedTuple):
    """A queued job to look for in Redis; `is_head`: it is one of the next of its queue."""

    queue: str
    priority: int
    id: str
    queued_at: datetime
    is_head: bool

    @property
    def ring(self) -> Notice:
        """Return the notice that Redis should have."""
        return Notice(self.queue, self.priority, self.id, self.queued_at)


class JobPlace(NamedTuple):
    """The position of a job.

    Only a queued job may have a notice in Redis, in its queue and at its position.
    """

    id: str
    state: str
    queue: str
    priority: int
    queued_at: datetime | None

    @property
    def ring(self) -> Notice | None:
        """Return the notice that Redis must have of the job, or None for a job that is not queued."""
        if self.state != State.QUEUED or self.queued_at is None:
            return None
        return Notice(self.queue, self.priority, self.id, self.queued_at)


def slots(cursor: Cursor, ids: Sequence[str]) -> dict[str, JobPlace]:
    """Return those of `ids` that are jobs."""
    cursor.execute(PLACES, (list(ids),))
    return {row[0]: JobPlace._make(row) for row in cursor.fetchall()}


def probes(
    cursor: Cursor, *, grace_s: float, settling_s: float, head: int = HEAD
) -> list[NoticeProbe]:
    """Return some jobs of each queue that are queued for longer than `grace_s`; one may come twice.

    `head` is how many of the next ones. Return none until PostgreSQL is up for `settling_s`
    seconds.
    """
    values = {"grace_s": grace_s, "settling_s": settling_s, "head": head, "some": some_of(head)}
    cursor.execute(PROBES, values)
    return [NoticeProbe._make(row) for row in cursor.fetchall()]


def some_of(head: int) -> int:
    """Return how many jobs, each of the last and from a random time on, go with `head` of the next."""
    return max(2, head // 20)


def expected(
    cursor: Cursor, queue: str, *, grace_s: float, after: Notice = FIRST, limit: int
) -> list[Notice]:
    """Return the next jobs of a queue, behind `after`, that are queued for longer than `grace_s`."""
    cursor.execute(
        EXPECTED, {**after._asdict(), "queue": queue, "grace_s": grace_s, "limit": limit}
    )
    return [Notice._make(row) for row in cursor.fetchall()]


def count(cursor: Cursor, queue: str, *, limit: int) -> int:
    """Return how many jobs are queued in a queue; counting ends at `limit`."""
    cursor.execute(COUNT, {"queue": queue, "limit": limit})
    row = cursor.fetchone()
    return int(row[0]) if row else 0
