"""Pauses of queues and tasks, and the jobs that a paused task holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from mahaam.jobs.notice import Notice
from mahaam.jobs.states import HELD_UNTIL
from mahaam.postgres.by_key import recheck
from mahaam.postgres.database import Cursor

# A condition on a row of job; a pause that is over is deleted when its held jobs are released.
IS_PAUSED = """EXISTS (
  SELECT FROM task_pause WHERE task_pause.task = job.task AND (resume_at IS NULL OR resume_at > now())
)"""

PAUSE_QUEUES = """
WITH locked AS (
  SELECT name, paused_at IS NOT NULL AND (resume_at IS NULL OR resume_at > now()) AS is_paused
  FROM queue WHERE name = ANY(%(names)s) ORDER BY name FOR UPDATE
)
UPDATE queue
SET paused_at = CASE WHEN is_paused THEN paused_at ELSE now() END, paused_by = %(by)s,
    pause_reason = %(reason)s,
    resume_at = coalesce(%(resume_at)s::timestamptz, now() + %(for_s)s * interval '1 second')
FROM locked WHERE queue.name = locked.name AND (%(replace)s OR NOT is_paused)
RETURNING queue.name
"""

RESUME_QUEUES = """
WITH locked AS (
  SELECT name FROM queue
  WHERE name = ANY(%(names)s) AND paused_at IS NOT NULL AND (resume_at IS NULL OR resume_at > now())
  ORDER BY name FOR UPDATE
)
UPDATE queue SET paused_at = NULL, paused_by = NULL, pause_reason = NULL, resume_at = NULL
FROM locked WHERE queue.name = locked.name
RETURNING queue.name
"""

PAUSE_TASKS = """
INSERT INTO task_pause AS pause (task, paused_by, pause_reason, resume_at)
SELECT task, %(by)s, %(reason)s,
       coalesce(%(resume_at)s::timestamptz, now() + %(for_s)s * interval '1 second')
FROM unnest(%(names)s::text[]) AS task ORDER BY task
ON CONFLICT (task) DO UPDATE
SET paused_at = CASE WHEN pause.resume_at <= now() THEN now() ELSE pause.paused_at END,
    paused_by = excluded.paused_by, pause_reason = excluded.pause_reason,
    resume_at = excluded.resume_at
WHERE %(replace)s OR pause.resume_at <= now()
RETURNING task
"""

# This ends the pause for everybody; its row stays until its jobs are released.
RESUME_TASKS = """
WITH locked AS (
  SELECT task FROM task_pause
  WHERE task = ANY(%(names)s) AND (resume_at IS NULL OR resume_at > now())
  ORDER BY task FOR UPDATE
)
UPDATE task_pause SET resume_at = now() FROM locked WHERE task_pause.task = locked.task
RETURNING task_pause.task
"""

# Whether a task is paused is read from its row under a lock, not from what a consumer read a second
# ago: ending a pause waits for the lock, and so sees every job that was held.
HOLD = """
WITH paused AS (
  SELECT task FROM task_pause
  WHERE task = ANY(%(tasks)s) AND (resume_at IS NULL OR resume_at > now()) ORDER BY task FOR SHARE
), held AS (
  UPDATE job SET state = 'scheduled', run_at = %(held_until)s, queued_at = NULL
  FROM paused WHERE job.id = ANY(%(ids)s::uuid[]) AND job.state = 'queued' AND job.task = paused.task
)
SELECT queue, priority, id::text, queued_at, task, EXISTS (SELECT FROM paused WHERE paused.task = job.task)
FROM job WHERE id = ANY(%(ids)s::uuid[]) AND state = 'queued' AND task = ANY(%(tasks)s)
"""

# Takes a lock first, for the reason above; one consumer at a time does the work.
OVER = """
SELECT task FROM task_pause WHERE resume_at <= now() ORDER BY task FOR UPDATE SKIP LOCKED
"""

# Index: job_due. Jobs that an operator has locked are released in the next round. The jobs are queued a
# microsecond apart, in the order of their creation (see due.MAKE_DUE).
LET_GO = f"""
WITH held AS (
  SELECT id, created_at FROM job
  WHERE state = 'scheduled' AND run_at = %(held_until)s AND NOT {IS_PAUSED}
    AND NOT id = ANY(%(but)s::uuid[]) AND (%(only)s::uuid[] IS NULL OR id = ANY(%(only)s::uuid[]))
  LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), ordered AS (
  SELECT array_agg(id) AS ids, jsonb_object_agg(id, place) AS places
  FROM (SELECT id, row_number() OVER (ORDER BY created_at, id) AS place FROM held) AS placed
)
UPDATE job
SET state = 'queued', run_at = NULL,
    queued_at = now() + (ordered.places->>job.id::text)::int * interval '1 microsecond'
FROM ordered
WHERE job.id = ANY(ordered.ids)
  AND {recheck("job.state = 'scheduled' AND job.run_at = %(held_until)s")}
RETURNING job.queue, job.priority, job.id::text, job.queued_at
"""

FIND_HELD = f"""
SELECT id::text FROM job
WHERE state = 'scheduled' AND run_at = %(held_until)s AND NOT {IS_PAUSED} AND NOT id = ANY(%(but)s::uuid[])
LIMIT %(limit)s
"""

FORGET = """
DELETE FROM task_pause WHERE task = ANY(%(tasks)s) AND NOT EXISTS (
  SELECT FROM job WHERE state = 'scheduled' AND run_at = %(held_until)s AND job.task = task_pause.task
)
"""


AT_ONCE = 5000  # held jobs that are released in one statement


class PausedJob(NamedTuple):
    """A queued job of a task that a consumer believes to be paused, and whether it was held."""

    queue: str
    priority: int
    id: str
    queued_at: datetime
    task: str
    is_held: bool

    @property
    def notice(self) -> Notice:
        """Return the notice for Redis, for a job that was not held."""
        return Notice(self.queue, self.priority, self.id, self.queued_at)


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause: its actor, reason and end (`resume_at`, in `for_s` seconds, or when somebody resumes).

    With `replace`, a queue or task that is paused already gets this reason and end.
    """

    by: str
    reason: str | None = None
    resume_at: datetime | None = None
    for_s: float | None = None
    replace: bool = False


def pause_queues(cursor: Cursor, names: Sequence[str], pause: Pause) -> list[str]:
    """Pause those queues that are not paused yet. Return their names."""
    return _names(cursor, PAUSE_QUEUES, names, pause)


def resume_queues(cursor: Cursor, names: Sequence[str]) -> list[str]:
    """End the pauses of queues. Return the names of those that were paused."""
    return _names(cursor, RESUME_QUEUES, names)


def pause_tasks(cursor: Cursor, names: Sequence[str], pause: Pause) -> list[str]:
    """Pause those tasks that are not paused yet. Return their names."""
    return _names(cursor, PAUSE_TASKS, names, pause)


def resume_tasks(cursor: Cursor, names: Sequence[str]) -> list[str]:
    """End the pauses of tasks. Return the names of those that were paused."""
    return _names(cursor, RESUME_TASKS, names)


def hold(cursor: Cursor, popped: Sequence[str], tasks: Sequence[str]) -> list[PausedJob]:
    """Hold, as scheduled, those queued jobs of `popped` whose task is in `tasks` and still paused.

    Return the jobs of `popped` that were queued and are of `tasks`; those not held must be rung again.
    """
    cursor.execute(HOLD, {"ids": list(popped), "tasks": list(tasks), "held_until": HELD_UNTIL})
    return [PausedJob._make(row) for row in cursor.fetchall()]


def let_go(
    cursor: Cursor, *, but: Sequence[str] = (), keys: Sequence[str] | None = None
) -> list[Notice]:
    """Queue held jobs whose task is no longer paused. Return the notices to ring.

    Skips the jobs in `but`; `keys` limits the release to these jobs (None: any job).
    """
    only = None if keys is None else list(keys)
    cursor.execute(
        LET_GO, {"held_until": HELD_UNTIL, "limit": AT_ONCE, "but": list(but), "only": only}
    )
    return [Notice._make(row) for row in cursor.fetchall()]


def find_held(cursor: Cursor, *, but: Sequence[str] = ()) -> list[str]:
    """Return the ids of the jobs that `let_go` would queue."""
    cursor.execute(FIND_HELD, {"held_until": HELD_UNTIL, "limit": AT_ONCE, "but": list(but)})
    return [id_ for (id_,) in cursor.fetchall()]


def end_pauses(
    cursor: Cursor, *, but: Sequence[str] = (), keys: Sequence[str] | None = None
) -> list[Notice]:
    """Queue some held jobs of tasks whose pause is over; delete a pause without held jobs.

    To be called in a transaction. Return the notices to ring; none when all is done.
    """
    cursor.execute(OVER)
    tasks = [task for (task,) in cursor.fetchall()]
    notices = let_go(cursor, but=but, keys=keys) if tasks else []
    if tasks:
        cursor.execute(FORGET, {"tasks": tasks, "held_until": HELD_UNTIL})
    return notices


def _names(
    cursor: Cursor, statement: str, names: Sequence[str], pause: Pause | None = None
) -> list[str]:
    values = {name: getattr(pause, name) for name in Pause.__slots__} if pause else {}
    cursor.execute(statement, {"names": list(names), **values})
    return [name for (name,) in cursor.fetchall()]
