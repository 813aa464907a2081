"""Queries about the consumer processes."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from mahaam.postgres.query_limits import Reader, time_limit


@dataclass(frozen=True)
class WorkerEntry:
    """A consumer process; `is_live` while its lease runs; `queues` empty means all."""

    id: uuid.UUID
    host: str
    pid: int
    version: str
    queues: list[str]
    greenlets: int
    state: str
    started_at: datetime
    beat_at: datetime
    memory_bytes: int | None
    stopped_at: datetime | None
    wanted_state: str | None
    wanted_greenlets: int | None
    is_live: bool
    running: int

    @property
    def is_lost(self) -> bool:
        """Return True if its lease ended without a shutdown."""
        return not self.is_live and self.state != "stopped"

    def is_lost_since(self, moment: datetime) -> bool:
        """Return True if the worker was lost and its last beat was at `moment` or later."""
        return self.is_lost and self.beat_at >= moment

    def serves(self, queue: str) -> bool:
        """Return True if the worker takes jobs of `queue` now."""
        return (
            self.is_live and self.state == "running" and (not self.queues or queue in self.queues)
        )


WORKERS = """
    SELECT worker.id, host, pid, version, queues, greenlets, worker.state, worker.started_at,
           beat_at, memory_bytes, stopped_at, wanted_state, wanted_greenlets,
           worker.state IN ('running', 'quiet', 'stopping') AND lease_until > now() AS is_live,
           (SELECT count(*) FROM job
             WHERE job.state = 'running' AND job.worker_id = worker.id) AS running
      FROM worker {where}
     ORDER BY is_live DESC, beat_at DESC
     LIMIT :limit
"""
ALL = WORKERS.format(where="")
# Workers that stopped normally are shown for a short time; lost ones for longer.
SHOWN = WORKERS.format(
    where="""
     WHERE state IN ('running', 'quiet', 'stopping')
        OR state = 'stopped' AND stopped_at > now() - interval '10 minutes'
        OR state = 'lost' AND stopped_at > now() - interval '1 hour'"""
)

NAMED = """
    SELECT id FROM worker WHERE id::text LIKE :name || '%' OR id::text LIKE '%' || :name
     ORDER BY id LIMIT 2
"""


def workers(session: Reader, *, limit: int = 100) -> tuple[WorkerEntry, ...]:
    """Return the live workers, then those that ended most recently. Raises QueryTooSlow."""
    with time_limit(session):
        rows = session.execute(text(ALL), {"limit": limit}).all()
    return tuple(WorkerEntry(**row._mapping) for row in rows)


def shown_workers(session: Reader, *, limit: int = 100) -> tuple[WorkerEntry, ...]:
    """Return the live workers, those lost within the hour, those stopped in the last ten minutes.

    Raises QueryTooSlow.
    """
    with time_limit(session):
        rows = session.execute(text(SHOWN), {"limit": limit}).all()
    return tuple(WorkerEntry(**row._mapping) for row in rows)


def workers_named(session: Reader, name: str) -> tuple[uuid.UUID, ...]:
    """Return at most two workers whose id begins or ends with `name`, which is of letters and digits."""
    return tuple(session.scalars(text(NAMED), {"name": name.lower()}))
