"""SQL that fires schedules: note the due time, insert the job, set the next time, in one statement."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from mahaam.jobs.job_columns import OF_CALL, OF_JOB, each, insert
from mahaam.jobs.notice import Notice
from mahaam.postgres.database import Cursor

LIVE = "('scheduled', 'queued', 'running', 'retrying')"
RECENT = 50  # of the last fires of a schedule, jobs that are checked for being live

# Of a schedule `s`: does a job that it made still wait or run? Index: key of schedule_fire, then
# job_pkey.
IS_LIVE = f"""EXISTS (
  SELECT FROM (
    SELECT job_id FROM schedule_fire WHERE schedule_id = s.id AND job_id IS NOT NULL
    ORDER BY fire_at DESC LIMIT {RECENT}) AS made
  JOIN job ON job.id = made.job_id AND job.state IN {LIVE})"""

# A job as JSON of `firing.columns`, and how it becomes a row.
TOLD = OF_CALL | OF_JOB | {"expires_at": "timestamptz", "expires_in_s": "double precision"}
COLUMNS = ", ".join(f"{name} {type_}" for name, type_ in TOLD.items())
VALUES = each(OF_CALL | OF_JOB, "wanted.{}") | {
    "state": "'queued'",
    "queued_at": "now()",
    "expires_at": "coalesce(wanted.expires_at, now() + wanted.expires_in_s * interval '1 second')",
    "schedule_id": "wanted.schedule_id",
    "created_by": "coalesce(wanted.made_by, 'schedule')",
}
INSERT = insert(VALUES)

# Any number of consumers send this for the same due times; the one that moves next_run_at from
# where all read it fires. The row is locked, or skipped when another consumer has it, and read
# again: a schedule that was edited, disabled or fired meanwhile is left alone.
#
# moves: the schedules and their next times. wanted: their due times, the oldest first, each with the
# job it makes; without an id it is skipped. The overlap is judged in the statement, where the jobs are.
FIRE = f"""
WITH moves AS (
  SELECT * FROM jsonb_to_recordset(%(moves)s::jsonb)
    AS move(schedule_id bigint, seen_at timestamptz, next_at timestamptz)
), locked AS (
  SELECT s.id, s.overlap, {IS_LIVE} AS is_live
  FROM schedule AS s JOIN moves ON moves.schedule_id = s.id
  WHERE s.next_run_at = moves.seen_at AND s.disabled_at IS NULL
  ORDER BY s.id FOR UPDATE OF s SKIP LOCKED
), moved AS (
  UPDATE schedule SET next_run_at = moves.next_at, last_fire_at = now(), broken = NULL, broken_at = NULL
  FROM moves JOIN locked ON locked.id = moves.schedule_id
  WHERE schedule.id = locked.id
  RETURNING schedule.id, locked.overlap, locked.is_live
), wanted AS (
  SELECT wanted.*, moved.overlap, moved.is_live,
         row_number() OVER (PARTITION BY moved.id, wanted.id IS NULL ORDER BY wanted.fire_at)
           + moved.is_live::int AS turn
  FROM jsonb_to_recordset(%(wanted)s::jsonb)
    AS wanted(schedule_id bigint, fire_at timestamptz, count int, reason text, made_by text, {COLUMNS})
  JOIN moved ON moved.id = wanted.schedule_id
), noted AS (
  INSERT INTO schedule_fire (schedule_id, fire_at, state, reason, job_id, count)
  SELECT schedule_id, fire_at, state, CASE WHEN state <> 'fired' THEN coalesce(reason, 'overlap') END,
         CASE WHEN state = 'fired' THEN wanted.id END, count
  FROM wanted, LATERAL (
    SELECT CASE WHEN wanted.id IS NULL THEN 'skipped'
                WHEN overlap = 'allow' OR turn = 1 THEN 'fired'
                WHEN overlap = 'queue' AND turn = 2 AND NOT EXISTS (
                  SELECT FROM schedule_fire AS other
                  WHERE other.schedule_id = wanted.schedule_id AND other.state = 'waiting') THEN 'waiting'
                ELSE 'skipped' END AS state) AS judged
  ON CONFLICT DO NOTHING
  RETURNING schedule_id, state, job_id
), made AS (
  {INSERT} FROM wanted JOIN noted ON noted.job_id = wanted.id
  RETURNING queue, priority, id::text, queued_at
)
SELECT queue, priority, id, queued_at FROM made
"""

# Index: schedule_fire_waiting. Due times that waited for the end of the job before.
WAITING = f"""
SELECT s.id, fire.fire_at FROM schedule_fire AS fire JOIN schedule AS s ON s.id = fire.schedule_id
WHERE fire.state = 'waiting' AND NOT {IS_LIVE} AND s.disabled_at IS NULL
LIMIT %(limit)s
"""

RELEASE = f"""
WITH wanted AS (
  SELECT * FROM jsonb_to_recordset(%(wanted)s::jsonb)
    AS wanted(schedule_id bigint, fire_at timestamptz, made_by text, {COLUMNS})
), noted AS (
  UPDATE schedule_fire AS fire SET state = 'fired', reason = NULL, job_id = wanted.id, made_at = now()
  FROM wanted
  WHERE fire.schedule_id = wanted.schedule_id AND fire.fire_at = wanted.fire_at AND fire.state = 'waiting'
  RETURNING fire.job_id
), made AS (
  {INSERT} FROM wanted JOIN noted ON noted.job_id = wanted.id
  RETURNING queue, priority, id::text, queued_at
)
SELECT queue, priority, id, queued_at FROM made
"""

# By hand, independent of the clock: the moment is the due time, and next_run_at stays.
RUN_NOW = f"""
WITH wanted AS (
  SELECT * FROM jsonb_to_recordset(%(wanted)s::jsonb)
    AS wanted(schedule_id bigint, fire_at timestamptz, made_by text, {COLUMNS})
), noted AS (
  INSERT INTO schedule_fire (schedule_id, fire_at, state, job_id, made_by)
  SELECT schedule_id, coalesce(fire_at, clock_timestamp()), 'fired', id, made_by FROM wanted
  ON CONFLICT DO NOTHING
  RETURNING job_id
), made AS (
  {INSERT} FROM wanted JOIN noted ON noted.job_id = wanted.id
  RETURNING queue, priority, id::text, queued_at
)
SELECT queue, priority, id, queued_at FROM made
"""

BREAK = """
UPDATE schedule SET broken = %(broken)s, broken_at = coalesce(broken_at, now())
WHERE id = %(id)s AND next_run_at IS NOT DISTINCT FROM %(seen_at)s
  AND broken IS DISTINCT FROM %(broken)s::jsonb
RETURNING name
"""

UNREADABLE = """
UPDATE schedule SET broken = %(broken)s, broken_at = coalesce(broken_at, now())
WHERE id = %(id)s AND broken IS DISTINCT FROM %(broken)s::jsonb
RETURNING name
"""

# Small steps; a fire whose job still exists is pruned with the job, not before.
FORGET = """
DELETE FROM schedule_fire WHERE (schedule_id, fire_at) IN (
  SELECT schedule_id, fire_at FROM schedule_fire
  WHERE made_at < now() - %(days)s * interval '1 day' AND state <> 'waiting'
  ORDER BY made_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
"""


def fire(
    cursor: Cursor, moves: Sequence[dict[str, Any]], wanted: Sequence[dict[str, Any]]
) -> list[Notice]:
    """Fire due times. Return the notices of the jobs.

    A move has schedule_id, seen_at and next_at; a wanted one schedule_id, fire_at, count, and
    either the columns of its job or the reason why it is skipped.
    """
    return _made(cursor, FIRE, moves=json.dumps(moves), wanted=json.dumps(wanted))


def waiting(cursor: Cursor, *, limit: int) -> list[tuple[int, str]]:
    """Return schedules and due times that waited for a job which has ended."""
    cursor.execute(WAITING, {"limit": limit})
    return [(id_, fire_at.isoformat()) for id_, fire_at in cursor.fetchall()]


def release(cursor: Cursor, wanted: Sequence[dict[str, Any]]) -> list[Notice]:
    """Make the jobs of due times that waited. Return their notices.

    A wanted one has schedule_id, fire_at and its job.
    """
    return _made(cursor, RELEASE, wanted=json.dumps(wanted))


def run_now(cursor: Cursor, wanted: Sequence[dict[str, Any]]) -> list[Notice]:
    """Make jobs by hand. Return their notices.

    A wanted one without a `fire_at` is due at this moment. A due time that has fired is left out.
    """
    return _made(cursor, RUN_NOW, wanted=json.dumps(wanted))


def clear_skipped(cursor: Cursor, id_: int, times: Sequence[Any]) -> None:
    """Forget that these due times were skipped: they are about to be made up for."""
    cursor.execute(
        "DELETE FROM schedule_fire WHERE schedule_id = %s AND fire_at = ANY(%s) AND state = 'skipped'",
        (id_, list(times)),
    )


def mark_broken(cursor: Cursor, id_: int, seen_at: Any, broken: dict[str, Any]) -> str | None:
    """Note why a schedule cannot fire. Return its name if it was not noted before."""
    cursor.execute(BREAK, {"id": id_, "seen_at": seen_at, "broken": json.dumps(broken)})
    row = cursor.fetchone()
    return str(row[0]) if row else None


def mark_unreadable(cursor: Cursor, id_: int, broken: dict[str, Any]) -> str | None:
    """Note why a schedule cannot even be read. Return its name if it was not noted before."""
    cursor.execute(UNREADABLE, {"id": id_, "broken": json.dumps(broken)})
    row = cursor.fetchone()
    return str(row[0]) if row else None


def prune(cursor: Cursor, *, days: int, limit: int) -> int:
    """Delete fires whose due time is longer ago than `days`. Return how many."""
    cursor.execute(FORGET, {"days": days, "limit": limit})
    return int(cursor.rowcount)


def _made(cursor: Cursor, sql: str, **values: str) -> list[Notice]:
    cursor.execute(sql, values)
    return [Notice._make(row) for row in cursor.fetchall()]
