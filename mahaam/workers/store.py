"""Writes of consumers' leases, and the rescue of jobs whose consumer lost its lease."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from mahaam.jobs.derive_follow_ups import FinalState
from mahaam.jobs.notice import Notice
from mahaam.jobs.outcome import Failure
from mahaam.postgres.database import Cursor
from mahaam.store import follow_ups
from mahaam.store.bury import buried
from mahaam.store.first_exception import FIRST_EXCEPTION


@dataclass(frozen=True, kw_only=True, slots=True)
class NewWorker:
    """A consumer process as it registers; `queues` empty means all."""

    id: str
    host: str
    pid: int
    version: str
    queues: list[str]
    greenlets: int
    tasks: tuple[str, ...] = ()  # names of the tasks that it knows


class Rescued(NamedTuple):
    """A job taken from a lost worker: queued again, failed, or cancelled because it was to stop."""

    id: str
    task: str
    queue: str
    priority: int
    state: str
    attempt: int
    crash_count: int
    worker_id: str
    options: str | None
    queued_at: datetime


class GivenBack(NamedTuple):
    """A job released by its worker: queued again, or cancelled because it was to stop."""

    id: str
    state: str
    options: str | None


REGISTER = """
INSERT INTO worker (id, host, pid, version, queues, greenlets, tasks, lease_until)
VALUES (%(id)s, %(host)s, %(pid)s, %(version)s, %(queues)s, %(greenlets)s, %(tasks)s::text[],
        now() + %(lease_s)s * interval '1 second')
ON CONFLICT DO NOTHING
"""

BEAT = """
UPDATE worker
SET beat_at = now(), lease_until = now() + %(lease_s)s * interval '1 second',
    memory_bytes = %(memory_bytes)s
WHERE id = %(id)s AND state IN ('running', 'quiet', 'stopping')
RETURNING state
"""

# Queues a job again, or cancels it if it was asked to stop.
BACK = """
    state = CASE WHEN cancel_requested_at IS NULL THEN 'queued' ELSE 'cancelled' END,
    queued_at = CASE WHEN cancel_requested_at IS NULL THEN now() ELSE job.queued_at END,
    started_at = CASE WHEN cancel_requested_at IS NOT NULL THEN job.started_at END,
    worker_id = CASE WHEN cancel_requested_at IS NOT NULL THEN job.worker_id END,
    finished_at = CASE WHEN cancel_requested_at IS NOT NULL THEN now() END
"""

# Rows that are running under this worker although their job does not run here: a claim whose answer
# was lost. Young rows are excluded, because their answer may be on its way.
DISOWN = f"""
UPDATE job
SET {BACK}
WHERE worker_id = %(id)s AND state = 'running'
  AND started_at < now() - interval '10 seconds' AND NOT id = ANY(%(held)s::uuid[])
  AND NOT id = ANY(%(but)s::uuid[]) AND (%(only)s::uuid[] IS NULL OR id = ANY(%(only)s::uuid[]))
RETURNING id::text, state, options::text
"""

RELEASE_ALL = f"""
WITH held AS (
  SELECT id, queued_at, started_at FROM job
  WHERE worker_id = %(id)s AND state = 'running' AND NOT id = ANY(%(but)s::uuid[])
    AND (%(only)s::uuid[] IS NULL OR id = ANY(%(only)s::uuid[])) ORDER BY id FOR UPDATE
), moved AS (
  UPDATE job
  SET {BACK}
  FROM held WHERE job.id = held.id
  RETURNING job.id, job.state, job.options, job.attempt, held.queued_at, held.started_at
), noted AS (
  INSERT INTO attempt (job_id, number, worker_id, queued_at, started_at, finished_at, outcome)
  SELECT id, attempt, %(id)s, queued_at, started_at, now(),
         CASE state WHEN 'queued' THEN 'released' ELSE state END
  FROM moved
)
SELECT id::text, state, options::text FROM moved
"""

STOP = """
UPDATE worker SET state = %(state)s, stopped_at = CASE WHEN %(state)s = 'stopped' THEN now() END
WHERE id = %(id)s AND state IN ('running', 'quiet', 'stopping')
"""

# By lease, never by a job's age. While PostgreSQL is away all leases run out; after its start the
# consumers have one and a half leases to come back before any is given up.
GIVE_UP = """
UPDATE worker SET state = 'lost', stopped_at = now()
WHERE id IN (
  SELECT id FROM worker
  WHERE state IN ('running', 'quiet', 'stopping') AND lease_until < now()
    AND pg_postmaster_start_time() < now() - 1.5 * %(lease_s)s * interval '1 second'
  FOR UPDATE SKIP LOCKED
)
RETURNING id::text, host, pid, lease_until
"""

BURIED = buried(f"""SELECT moved.id, moved.attempt, task, queue, %(error_class)s, %(message)s,
           %(traceback)s,
           coalesce(first.error_class, %(error_class)s), coalesce(first.error_message, %(message)s),
           coalesce(first.traceback, %(traceback)s), %(fingerprint)s, retry_count
    FROM moved {FIRST_EXCEPTION}
    WHERE state = 'failed'""")

# Index: job_running. Runs in any consumer, side by side; a job is taken from a worker that is
# marked lost or stopped or was never known, never from one that only seems slow. A job that was to
# stop ends as cancelled. The crash is counted under the rescuer: the lost worker may still
# hold a lock on a count of its own. The jobs are queued a microsecond apart, in the order in which they
# were queued before (see due.MAKE_DUE).
RESCUE_THOSE = f"""
WITH orphan AS (
  SELECT job.id, job.worker_id, job.queued_at, job.started_at,
         CASE WHEN cancel_requested_at IS NOT NULL THEN 'cancelled'
              WHEN crash_count + 1 >= %(max_crashes)s THEN 'failed' ELSE 'queued' END AS final
  FROM job LEFT JOIN worker ON worker.id = job.worker_id
  WHERE job.state = 'running' AND {{those}}
  ORDER BY job.id LIMIT 1000 FOR UPDATE OF job SKIP LOCKED
), ordered AS (
  SELECT *, row_number() OVER (ORDER BY queued_at, id) AS place FROM orphan
), moved AS (
  UPDATE job
  SET crash_count = crash_count + 1,
      state = final,
      finished_at = CASE WHEN final <> 'queued' THEN now() END,
      queued_at = CASE WHEN final <> 'queued' THEN job.queued_at
                       ELSE now() + place * interval '1 microsecond' END,
      started_at = CASE WHEN final <> 'queued' THEN job.started_at END,
      worker_id = CASE WHEN final <> 'queued' THEN job.worker_id END,
      error = %(error_class)s || ': ' || %(message)s
  FROM ordered AS orphan WHERE job.id = orphan.id AND job.state = 'running'
  RETURNING job.id, job.task, job.queue, job.priority, job.state, job.attempt, job.crash_count,
            job.retry_count, job.options, job.queued_at AS queued_again_at, orphan.worker_id,
            orphan.queued_at, orphan.started_at
), noted AS (
  INSERT INTO attempt (job_id, number, worker_id, queued_at, started_at, finished_at, outcome, error_class,
                       error_message, traceback)
  SELECT id, attempt, worker_id, queued_at, started_at, now(), 'crashed', %(error_class)s, %(message)s,
         %(traceback)s
  FROM moved
), {BURIED}, counted AS (
  INSERT INTO job_minute AS minute (minute, queue, task, worker_id, crashed, failed, cancelled)
  SELECT date_trunc('minute', now()), queue, task, %(rescuer)s::uuid, count(*),
         count(*) FILTER (WHERE state = 'failed'), count(*) FILTER (WHERE state = 'cancelled')
  FROM moved GROUP BY queue, task
  ON CONFLICT (minute, queue, task, worker_id) DO UPDATE
  SET crashed = minute.crashed + excluded.crashed, failed = minute.failed + excluded.failed,
      cancelled = minute.cancelled + excluded.cancelled
)
SELECT id::text, task, queue, priority, state, attempt, crash_count, worker_id::text, options::text,
       queued_again_at
FROM moved
"""

RESCUE = RESCUE_THOSE.format(
    those="""(worker.id IS NULL OR worker.state IN ('lost', 'stopped'))
    AND NOT job.id = ANY(%(but)s::uuid[]) AND (%(only)s::uuid[] IS NULL OR job.id = ANY(%(only)s::uuid[]))"""
)
CHARGE = RESCUE_THOSE.format(those="job.id = %(job_id)s AND job.worker_id = %(frozen)s")

FIND_ORPHANS = """
SELECT job.id::text FROM job LEFT JOIN worker ON worker.id = job.worker_id
WHERE job.state = 'running' AND (worker.id IS NULL OR worker.state IN ('lost', 'stopped'))
  AND NOT job.id = ANY(%(but)s::uuid[])
ORDER BY job.id LIMIT 1000
"""

FORGET = "DELETE FROM worker WHERE state IN ('stopped', 'lost') AND stopped_at < now() - interval '1 day'"


def register(cursor: Cursor, worker: NewWorker, *, lease_s: float) -> None:
    """Insert a worker with a lease of `lease_s` seconds."""
    values = {name: getattr(worker, name) for name in NewWorker.__slots__}
    cursor.execute(REGISTER, {**values, "tasks": list(worker.tasks), "lease_s": lease_s})


def beat(cursor: Cursor, worker_id: str, *, lease_s: float, memory_bytes: int) -> str | None:
    """Renew the lease. Return the worker's state; None if the worker was given up."""
    cursor.execute(BEAT, {"id": worker_id, "lease_s": lease_s, "memory_bytes": memory_bytes})
    row = cursor.fetchone()
    return row[0] if row else None


def disown(
    cursor: Cursor,
    worker_id: str,
    held: list[str],
    *,
    but: Sequence[str] = (),
    keys: Sequence[str] | None = None,
) -> list[GivenBack]:
    """Queue jobs again that are running under this worker in the table and are not in `held`.

    A job that was to stop is cancelled instead. Skips the jobs in `but`; `keys` limits the change to
    these (None: any job). To be called in a transaction. Return the jobs.
    """
    only = None if keys is None else list(keys)
    cursor.execute(DISOWN, {"id": worker_id, "held": held, "but": list(but), "only": only})
    return _given_back(cursor)


def release_all(
    cursor: Cursor,
    worker_id: str,
    *,
    but: Sequence[str] = (),
    keys: Sequence[str] | None = None,
) -> list[GivenBack]:
    """Queue all running jobs of a worker again, uncharged.

    A job that was to stop is cancelled instead. Skips the jobs in `but`; `keys` limits the change to
    these (None: any job). To be called in a transaction. Return the jobs.
    """
    only = None if keys is None else list(keys)
    cursor.execute(RELEASE_ALL, {"id": worker_id, "but": list(but), "only": only})
    return _given_back(cursor)


def running_of(cursor: Cursor, worker_id: str, *, but: Sequence[str] = ()) -> list[str]:
    """Return the ids of the jobs that are running under a worker in the table."""
    cursor.execute(
        "SELECT id::text FROM job WHERE worker_id = %s AND state = 'running' AND NOT id = ANY(%s::uuid[])",
        (worker_id, list(but)),
    )
    return [id_ for (id_,) in cursor.fetchall()]


def stop(cursor: Cursor, worker_id: str, *, state: str) -> None:
    """Mark a worker as stopping or stopped."""
    cursor.execute(STOP, {"id": worker_id, "state": state})


def give_up(cursor: Cursor, *, lease_s: float) -> list[tuple[str, str, int, object]]:
    """Mark workers whose lease ran out as lost. Return (id, host, pid, lease_until) of each."""
    cursor.execute(GIVE_UP, {"lease_s": lease_s})
    return cursor.fetchall()


def rescue(
    cursor: Cursor,
    *,
    rescuer: str,
    max_crashes: int,
    error_class: str,
    message: str,
    fingerprint: str,
    but: Sequence[str] = (),
    keys: Sequence[str] | None = None,
) -> tuple[list[Rescued], list[Notice]]:
    """Queue the jobs of lost workers again.

    A job that crashed `max_crashes` workers fails instead; a job that was to stop is cancelled.
    `rescuer` is the id of the worker that does this. Skips the jobs in `but`; `keys` limits the rescue
    to these (None: any job). To be called in a transaction. Return the jobs, and the notices of the
    queued ones and of follow-ups.
    """
    facts = {
        "rescuer": rescuer,
        "max_crashes": max_crashes,
        "error_class": error_class,
        "message": message,
        "fingerprint": fingerprint,
        "traceback": f"{error_class}: {message}",
        "but": list(but),
        "only": None if keys is None else list(keys),
    }
    cursor.execute(RESCUE, facts)
    return _rescued(cursor, f"{error_class}: {message}")


def charge(
    cursor: Cursor, worker_id: str, job_id: str, failure: Failure, *, max_crashes: int
) -> tuple[list[Rescued], list[Notice]]:
    """Take one job from an ended worker, with `failure` as the reason. Return the same as `rescue`."""
    facts = {
        "rescuer": worker_id,
        "max_crashes": max_crashes,
        "error_class": failure.error_class,
        "message": failure.message,
        "fingerprint": failure.fingerprint,
        "traceback": failure.traceback,
        "job_id": job_id,
        "frozen": worker_id,
    }
    cursor.execute(CHARGE, facts)
    return _rescued(cursor, failure.line)


def _rescued(cursor: Cursor, error: str) -> tuple[list[Rescued], list[Notice]]:
    """Return the jobs of the last statement, and the notices to ring."""
    rescued = [Rescued._make(row) for row in cursor.fetchall()]
    queued = [
        Notice(job.queue, job.priority, job.id, job.queued_at)
        for job in rescued
        if job.state == "queued"
    ]
    ends = [
        FinalState(job.id, job.options, job.state, error)
        for job in rescued
        if job.state != "queued"
    ]
    return rescued, queued + follow_ups.of_ends(cursor, ends)


def find_orphans(cursor: Cursor, *, but: Sequence[str] = ()) -> list[str]:
    """Return the ids of the jobs that `rescue` would take."""
    cursor.execute(FIND_ORPHANS, {"but": list(but)})
    return [id_ for (id_,) in cursor.fetchall()]


def prune(cursor: Cursor) -> None:
    """Delete workers that ended more than a day ago."""
    cursor.execute(FORGET)


def _given_back(cursor: Cursor) -> list[GivenBack]:
    """Write the follow-ups of jobs that the last statement cancelled. Return all its jobs."""
    jobs = [GivenBack._make(row) for row in cursor.fetchall()]
    follow_ups.of_ends(
        cursor,
        [FinalState(job.id, job.options, job.state) for job in jobs if job.state != "queued"],
    )
    return jobs
