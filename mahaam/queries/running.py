"""The running jobs and their workers."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from mahaam.postgres.query_limits import Reader, time_limit

RUNNING_SHOWN = 1000


@dataclass(frozen=True)
class RunningEntry:
    """A running job; its worker runs it in a greenlet."""

    id: uuid.UUID
    task: str
    queue: str
    state: str
    attempt: int
    worker_id: uuid.UUID
    started_at: datetime
    progress: int | None
    progress_text: str | None
    cancel_requested_at: datetime | None
    stop_note: str | None


# Index: job_running.
RUNNING = """
SELECT id, task, queue, state, attempt, worker_id, started_at, progress,
       left(progress_text, 200) AS progress_text, cancel_requested_at, stop_note
FROM job WHERE state = 'running' AND worker_id = ANY(:ids) ORDER BY started_at, id LIMIT :limit
"""


def jobs_by_worker(
    session: Reader, ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, list[RunningEntry]]:
    """Return the jobs that these workers run, the longest first. Raises QueryTooSlow."""
    values = {"ids": list(ids), "limit": RUNNING_SHOWN}
    found: dict[uuid.UUID, list[RunningEntry]] = {id_: [] for id_ in ids}
    with time_limit(session):
        for row in session.execute(text(RUNNING), values):
            found[row.worker_id].append(RunningEntry(**row._mapping))
    return found
