"""Pauses queues and tasks; holds the jobs of a paused task and lets them go again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from mahaam.jobs.notice import Notice
from mahaam.jobs.states import HELD_UNTIL
from mahaam.postgres.by_key import recheck
from mahaam.postgres.database import Cursor

# Of a row of job; the pause that is over is deleted by whoever lets the held jobs go.
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

# The pause is over for everybody with this; its row stays until its jobs are let go.
RESUME_TASKS = """
WITH locked AS (
  SELECT task FROM task_pause
  WHERE task = ANY(%(names)s) AND (resume_at IS NULL OR resume_at > now())
  ORDER BY task FOR UPDATE
)
UPDATE task_pause SET resume_at = now() FROM locked WHERE task_pause.task = locked.task
RETURNING task_pause.task
"""

# Whether a task is paused is asked of its row under a lock, not of what a consumer read a second
# ago: who ends a pause waits for the lock, and so sees every job that was held.
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

# First a lock, for the reason above; one consumer at a time does the work.
OVER = """
SELECT task FROM task_pause WHERE resume_at <= now() ORDER BY task FOR UPDATE SKIP LOCKED
"""

# Index: job_due. What an operator has locked is let go in the next round. Queued a microsecond apart, in
# the order in which they came to be (see due.MAKE_DUE).
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


AT_ONCE = 5000  # held jobs that are let go in one statement


class PausedJob(NamedTuple):
    """A queued job of a task that a consumer takes for paused, and whether it was held."""

    queue: str
    priority: int
    id: str
    queued_at: datetime
    task: str
    is_held: bool

    @property
    def notice(self) -> Notice:
        """What Redis must know of it when it was not held."""
        return Notice(self.queue, self.priority, self.id, self.queued_at)


@dataclass(frozen=True, slots=True)
class Pause:
    """Who pauses, why and until when: `resume_at`, or in `for_s` seconds, or until somebody resumes.

    With `replace`, what is paused already gets this reason and end.
    """

    by: str
    reason: str | None = None
    resume_at: datetime | None = None
    for_s: float | None = None
    replace: bool = False


def pause_queues(cursor: Cursor, names: Sequence[str], pause: Pause) -> list[str]:
    """Pause those of the queues that are not paused yet; returns their names."""
    return _names(cursor, PAUSE_QUEUES, names, pause)


def resume_queues(cursor: Cursor, names: Sequence[str]) -> list[str]:
    """End the pauses of queues; returns the names of those that were paused."""
    return _names(cursor, RESUME_QUEUES, names)


def pause_tasks(cursor: Cursor, names: Sequence[str], pause: Pause) -> list[str]:
    """Pause those of the tasks that are not paused yet; returns their names."""
    return _names(cursor, PAUSE_TASKS, names, pause)


def resume_tasks(cursor: Cursor, names: Sequence[str]) -> list[str]:
    """End the pauses of tasks; returns the names of those that were paused."""
    return _names(cursor, RESUME_TASKS, names)


def hold(cursor: Cursor, popped: Sequence[str], tasks: Sequence[str]) -> list[PausedJob]:
    """Queued to scheduled: those of `popped` whose task is one of `tasks` and paused still.

    Returns what of `popped` is queued and of `tasks`; what is not held must be rung again.
    """
    cursor.execute(HOLD, {"ids": list(popped), "tasks": list(tasks), "held_until": HELD_UNTIL})
    return [PausedJob._make(row) for row in cursor.fetchall()]


def let_go(
    cursor: Cursor, *, but: Sequence[str] = (), keys: Sequence[str] | None = None
) -> list[Notice]:
    """Scheduled to queued: held jobs whose task is not paused any more; returns what to ring.

    Those in `but` are left alone; `keys` are all that it is about (None: any job).
    """
    only = None if keys is None else list(keys)
    cursor.execute(
        LET_GO, {"held_until": HELD_UNTIL, "limit": AT_ONCE, "but": list(but), "only": only}
    )
    return [Notice._make(row) for row in cursor.fetchall()]


def find_held(cursor: Cursor, *, but: Sequence[str] = ()) -> list[str]:
    """The ids of the jobs that `let_go` would let go."""
    cursor.execute(FIND_HELD, {"held_until": HELD_UNTIL, "limit": AT_ONCE, "but": list(but)})
    return [id_ for (id_,) in cursor.fetchall()]


def end_pauses(
    cursor: Cursor, *, but: Sequence[str] = (), keys: Sequence[str] | None = None
) -> list[Notice]:
    """Let some held jobs of each task go whose pause is over, and forget the pause with the last.

    For a transaction. Returns what to ring; nothing when all is done.
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
