"""Jobs that wait to be started, as Huey's own lists show them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from mahaam.jobs.claim import Claim
from mahaam.jobs.job_columns import claimed
from mahaam.postgres.database import Cursor


class WaitingJob(NamedTuple):
    """A job as it would be started, and its times."""

    claim: Claim
    run_at: datetime | None
    expires_at: datetime | None


# With Huey, a delayed job stays in the queue until a worker reads it and puts it into the schedule.
# A consumer does that at once; without one, such a job is scheduled and has the time at which it
# was enqueued, until somebody takes it by hand.
UNSEEN = "(state = 'scheduled' AND queued_at IS NOT NULL)"
IN_QUEUE = {False: "state = 'queued'", True: f"(state = 'queued' OR {UNSEEN})"}
IN_SCHEDULE = {
    False: "state IN ('scheduled', 'retrying')",
    True: f"(state IN ('scheduled', 'retrying') AND NOT {UNSEEN})",
}

IS_WATCHED = """
SELECT EXISTS (SELECT FROM worker WHERE state IN ('running', 'quiet', 'stopping')
                 AND lease_until > now() AND id <> ALL (%s::uuid[]))
"""

CLAIMED = claimed(
    id="job.id::text",
    worker_id="coalesce(job.worker_id::text, '')",
    may_be_revoked="true",
    wait_s="NULL::float8",
)
COLUMNS = f"SELECT {CLAIMED}, run_at, expires_at FROM job"

# Index: job_waiting, queue by queue; the default queue also before anybody has entered it.
QUEUED = """
SELECT waiting.id::text FROM (
  SELECT name, rank, paused_at, resume_at FROM queue
  UNION ALL SELECT 'default', 100, NULL, NULL
  WHERE NOT EXISTS (SELECT FROM queue WHERE name = 'default')
) AS line, LATERAL (
  SELECT id, priority, queued_at FROM job
  WHERE {in_queue} AND job.queue = line.name AND (NOT %(open)s OR NOT EXISTS (
    SELECT FROM task_pause WHERE task_pause.task = job.task AND (resume_at IS NULL OR resume_at > now())))
  ORDER BY priority DESC, queued_at, id LIMIT %(limit)s
) AS waiting
WHERE NOT %(open)s OR line.paused_at IS NULL OR line.resume_at <= now()
ORDER BY line.rank, waiting.priority DESC, waiting.queued_at, waiting.id LIMIT %(limit)s
"""

# Index: job_due.
SCHEDULED = f"{COLUMNS} WHERE {{in_schedule}} ORDER BY run_at, job.id LIMIT %s"

SOME = f"""
{COLUMNS} WHERE job.id = ANY(%(ids)s::uuid[]) AND (%(state)s::text IS NULL OR state = %(state)s)
"""


def is_watched(cursor: Cursor, *, but: Sequence[str]) -> bool:
    """Return True if a live worker, other than `but`, handles delayed jobs."""
    cursor.execute(IS_WATCHED, (list(but),))
    return cursor.fetchone() == (True,)


def next_ids(cursor: Cursor, *, limit: int, paused: bool, unseen: bool = False) -> list[str]:
    """Return ids of queued jobs in the order in which they start; what is paused only if wanted.

    With `unseen`, delayed jobs that no worker has read are among them.
    """
    statement = QUEUED.format(in_queue=IN_QUEUE[unseen])
    cursor.execute(statement, {"limit": limit, "open": not paused})
    return [row[0] for row in cursor.fetchall()]


def some_ids(
    cursor: Cursor, *, states: Sequence[str], until: object, limit: int = 500
) -> list[str]:
    """Return some jobs in `states` that were there at the time `until`."""
    cursor.execute(
        "SELECT id::text FROM job WHERE state = ANY(%s) AND created_at <= %s LIMIT %s",
        (list(states), until, limit),
    )
    return [row[0] for row in cursor.fetchall()]


def some(cursor: Cursor, ids: Sequence[str], *, state: str | None = None) -> list[WaitingJob]:
    """Return those of `ids` that exist, in `state` if one is given, in the same order."""
    cursor.execute(SOME, {"ids": list(ids), "state": state})
    found = {job.claim.id: job for job in map(_waiting, cursor.fetchall())}
    return [found[id_] for id_ in ids if id_ in found]


def scheduled(cursor: Cursor, *, limit: int, unseen: bool = False) -> list[WaitingJob]:
    """Return jobs that wait for their time, the earliest first; without those that `next_ids` has."""
    cursor.execute(SCHEDULED.format(in_schedule=IN_SCHEDULE[unseen]), (limit,))
    return [_waiting(row) for row in cursor.fetchall()]


def queue_size(cursor: Cursor, *, unseen: bool) -> int:
    """Return how many jobs there are for `next_ids`."""
    return _count(cursor, IN_QUEUE[unseen])


def schedule_size(cursor: Cursor, *, unseen: bool) -> int:
    """Return how many jobs there are for `scheduled`."""
    return _count(cursor, IN_SCHEDULE[unseen])


def _count(cursor: Cursor, condition: str) -> int:
    cursor.execute(f"SELECT count(*) FROM job WHERE {condition}")
    row = cursor.fetchone()
    return int(row[0]) if row else 0


def _waiting(row: tuple[object, ...]) -> WaitingJob:
    *claim, run_at, expires_at = row
    return WaitingJob(Claim._make(claim), run_at, expires_at)  # type: ignore[arg-type]
