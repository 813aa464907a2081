"""Jobs that were popped by a consumer which does not know their task."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from mahaam.jobs.notice import Notice
from mahaam.postgres.database import Cursor

# An unknown-task job stays queued if a live worker knows its task and serves its queue: Redis passes
# its id on. If no worker knows the task, the job is scheduled, so that it is popped seldom and starts
# when such a worker comes. A row of unknown_task records since when no worker knows the task, and is
# deleted when one does. If that row was not seen for longer than the grace, it dates from an earlier
# occasion and its time begins again. Index: job_pkey.
FIND = """
WITH stray AS (
  SELECT id, task, queue, priority, queued_at FROM job
  WHERE id = ANY(%(ids)s::uuid[]) AND state = 'queued' AND task = ANY(%(tasks)s) ORDER BY id FOR UPDATE
), kind AS (
  SELECT kind.*, knower.id IS NOT NULL AS is_known,
         CASE WHEN knower.state = 'running' THEN knower.id END AS worker_id
  FROM (SELECT DISTINCT task, queue FROM stray) AS kind LEFT JOIN LATERAL (
    SELECT id, state FROM worker
    WHERE state IN ('running', 'quiet', 'stopping') AND lease_until > now() AND kind.task = ANY(tasks)
      AND (queues = '{}' OR kind.queue = ANY(queues))
    ORDER BY state <> 'running', random() LIMIT 1) AS knower ON true
), noted AS (
  INSERT INTO unknown_task AS known (task, queue)
  SELECT task, queue FROM kind WHERE NOT is_known ORDER BY task, queue
  ON CONFLICT (task, queue) DO UPDATE
  SET since = CASE WHEN known.seen_at < now() - greatest(60, %(grace_s)s) * interval '1 second'
                   THEN now() ELSE known.since END,
      seen_at = now()
  RETURNING task, queue, since
), gone AS (
  DELETE FROM unknown_task USING kind
  WHERE unknown_task.task = kind.task AND unknown_task.queue = kind.queue AND is_known
), judged AS (
  SELECT stray.*, kind.is_known, kind.worker_id,
         coalesce(noted.since <= now() - %(grace_s)s * interval '1 second', false) AS is_over
  FROM stray JOIN kind USING (task, queue) LEFT JOIN noted USING (task, queue)
), back AS (
  UPDATE job SET state = 'scheduled', queued_at = NULL,
                 run_at = now() + (0.5 + random()) * %(delay_s)s * interval '1 second'
  FROM judged WHERE job.id = judged.id AND judged.worker_id IS NULL AND NOT is_over
)
SELECT queue, priority, id::text, queued_at, task, is_known, worker_id::text, is_over FROM judged
"""

FORGET = "DELETE FROM unknown_task WHERE seen_at < now() - interval '1 day'"


class UnknownTaskJob(NamedTuple):
    """A queued job, a worker that takes jobs of its task, and whether its task was unknown too long."""

    queue: str
    priority: int
    id: str
    queued_at: datetime
    task: str
    is_known: bool
    worker_id: str | None
    is_over: bool

    @property
    def notice(self) -> Notice:
        """Return the notice for Redis."""
        return Notice(self.queue, self.priority, self.id, self.queued_at)


def find(
    cursor: Cursor, popped: Sequence[str], tasks: Sequence[str], *, grace_s: float, delay_s: float
) -> list[UnknownTaskJob]:
    """Return the queued jobs of `popped` that are of `tasks`, and reschedule those no worker knows.

    They are scheduled in about `delay_s` seconds; a job whose task no worker has known for `grace_s`
    is not changed.
    """
    cursor.execute(
        FIND, {"ids": list(popped), "tasks": list(tasks), "grace_s": grace_s, "delay_s": delay_s}
    )
    return [UnknownTaskJob._make(row) for row in cursor.fetchall()]


def prune(cursor: Cursor) -> None:
    """Delete rows of unknown tasks that were not seen for a day."""
    cursor.execute(FORGET)
