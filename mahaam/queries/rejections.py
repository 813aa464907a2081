"""Facts about jobs and dead letters at this moment, which say why an operator's verb was rejected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mahaam.jobs.states import HELD_UNTIL, LIVE
from mahaam.postgres.database import Cursor

HOLDING = ", ".join(f"'{state}'" for state in sorted(LIVE))


class JobFact(NamedTuple):
    """The facts about a job.

    Its fields: the state, how long ago the job ended or was asked to stop while it runs, its task's
    pause, and the live job that holds its dedupe key.
    """

    id: str
    state: str
    ended_s_ago: float | None
    stopping_s: float | None
    holder_id: str | None
    holder_state: str | None
    is_held: bool
    paused_s_ago: float | None
    paused_by: str | None


class LetterFact(NamedTuple):
    """What was done to a dead letter, how long ago and by whom."""

    id: int
    job_id: str
    resolved_s_ago: float | None
    resolved_by: str | None
    reprocessed_s_ago: float | None
    reprocessed_by: str | None


class PauseFact(NamedTuple):
    """By whom a queue or a task was paused, and how long ago."""

    name: str
    paused_s_ago: float
    paused_by: str | None


# Index: job_pkey, job_dedupe_key_live. OFFSET 0: looked up row by row, whatever the statistics say.
JOBS = f"""
SELECT job.id::text, job.state, extract(epoch FROM clock_timestamp() - job.finished_at)::float8,
       extract(epoch FROM clock_timestamp() - job.cancel_requested_at)::float8
         * CASE WHEN job.state = 'running' THEN 1 END,
       holder.id::text, holder.state, job.state = 'scheduled' AND job.run_at = %(held_until)s,
       extract(epoch FROM clock_timestamp() - pause.paused_at)::float8, pause.paused_by
FROM job
LEFT JOIN LATERAL (
  SELECT id, state FROM job AS other
  WHERE other.dedupe_key = job.dedupe_key AND other.state IN ({HOLDING}) AND other.id <> job.id OFFSET 0
) AS holder ON true
LEFT JOIN task_pause AS pause
  ON pause.task = job.task AND (pause.resume_at IS NULL OR pause.resume_at > now())
WHERE job.id = ANY(%(ids)s::uuid[])
"""

LETTERS = """
SELECT id, job_id::text,
       extract(epoch FROM clock_timestamp() - resolved_at)::float8, resolved_by,
       extract(epoch FROM clock_timestamp() - reprocessed_at)::float8, reprocessed_by
FROM dead_letter WHERE id = ANY(%s)
"""


PAUSES = {
    "queue": """
SELECT name, extract(epoch FROM clock_timestamp() - paused_at)::float8, paused_by FROM queue
WHERE name = ANY(%s) AND paused_at IS NOT NULL AND (resume_at IS NULL OR resume_at > now())
""",
    "task": """
SELECT task, extract(epoch FROM clock_timestamp() - paused_at)::float8, paused_by FROM task_pause
WHERE task = ANY(%s) AND (resume_at IS NULL OR resume_at > now())
""",
}


def job_facts(cursor: Cursor, ids: Sequence[str]) -> dict[str, JobFact]:
    """Return the facts about those of `ids` that exist."""
    cursor.execute(JOBS, {"ids": list(ids), "held_until": HELD_UNTIL})
    return {row[0]: JobFact._make(row) for row in cursor.fetchall()}


def letter_facts(cursor: Cursor, ids: Sequence[int]) -> dict[int, LetterFact]:
    """Return the facts about those of `ids` that exist."""
    cursor.execute(LETTERS, (list(ids),))
    return {row[0]: LetterFact._make(row) for row in cursor.fetchall()}


def pause_facts(cursor: Cursor, kind: str, names: Sequence[str]) -> dict[str, PauseFact]:
    """Return the pauses of those queues or tasks (`kind`) among `names` that are paused."""
    cursor.execute(PAUSES[kind], (list(names),))
    return {row[0]: PauseFact._make(row) for row in cursor.fetchall()}
