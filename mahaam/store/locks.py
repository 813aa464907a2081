"""Task locks. One holder at a time; a lock ends by release, by expiry, or with its job or worker."""

from __future__ import annotations

from typing import NamedTuple

from mahaam.postgres.database import Cursor


class Holder(NamedTuple):
    """The holder of a lock: one acquisition (`id`), and the attempt in which it happens, if any."""

    id: str
    job_id: str | None = None
    attempt: int | None = None
    worker_id: str | None = None


# A lock holds while nobody has released it, it has not expired, and the attempt that took it runs
# in a live worker. A lock that was taken outside of jobs has no attempt and no worker.
HOLDS = """
(held.expires_at IS NULL OR held.expires_at > clock_timestamp())
AND (held.job_id IS NULL OR EXISTS (
  SELECT FROM job JOIN worker ON worker.id = job.worker_id
  WHERE job.id = held.job_id AND job.attempt = held.attempt AND job.worker_id = held.worker_id
    AND job.state = 'running' AND worker.state NOT IN ('stopped', 'lost')
    AND worker.lease_until > clock_timestamp()))
"""

ACQUIRE = f"""
INSERT INTO task_lock AS held (name, holder, job_id, attempt, worker_id, expires_at)
VALUES (%(name)s, %(id)s, %(job_id)s, %(attempt)s, %(worker_id)s,
        clock_timestamp() + %(ttl_s)s * interval '1 second')
ON CONFLICT (name) DO UPDATE
SET holder = excluded.holder, job_id = excluded.job_id, attempt = excluded.attempt,
    worker_id = excluded.worker_id, acquired_at = now(), expires_at = excluded.expires_at
WHERE NOT ({HOLDS}) OR held.holder = excluded.holder
RETURNING true
"""

RELEASE = "DELETE FROM task_lock WHERE name = %s AND holder = %s"

CLEAR = f"DELETE FROM task_lock AS held WHERE name = ANY(%s) RETURNING name, {HOLDS}"

FORGET = f"""
DELETE FROM task_lock AS held
WHERE acquired_at < now() - interval '1 hour' AND NOT ({HOLDS})
"""


def acquire(cursor: Cursor, name: str, holder: Holder, *, ttl_s: float | None) -> bool:
    """Take a lock. Return False if another holder has it. May be sent again."""
    cursor.execute(ACQUIRE, {"name": name, "ttl_s": ttl_s, **holder._asdict()})
    return cursor.fetchone() is not None


def release(cursor: Cursor, name: str, holder_id: str) -> None:
    """Release a lock if this holder still has it."""
    cursor.execute(RELEASE, (name, holder_id))


def clear(cursor: Cursor, names: list[str]) -> set[str]:
    """Delete locks, whoever holds them. Return the names of those that were held."""
    cursor.execute(CLEAR, (names,))
    return {name for name, held in cursor.fetchall() if held}


def holds(cursor: Cursor, name: str) -> bool:
    """Return True if somebody holds the lock."""
    cursor.execute(f"SELECT true FROM task_lock AS held WHERE name = %s AND {HOLDS}", (name,))
    return cursor.fetchone() is not None


def flush(cursor: Cursor) -> None:
    """Delete every lock."""
    cursor.execute("DELETE FROM task_lock")


def prune(cursor: Cursor) -> None:
    """Delete locks that nobody holds any more."""
    cursor.execute(FORGET)
