"""Start, end and worker of certain jobs, from which an order or an overlap is checked."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from mahaam.jobs.states import LIVE
from mahaam.models import DeadLetter, Job
from mahaam.postgres.query_limits import Reader, time_limit


@dataclass(frozen=True)
class Start:
    """The last start of a job."""

    id: uuid.UUID
    priority: int
    state: str
    worker_id: uuid.UUID | None
    queued_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None


def starts(session: Reader, ids: Sequence[uuid.UUID]) -> tuple[Start, ...]:
    """Return the starts of those of `ids` that exist, in the order of their ids."""
    question = select(
        Job.id,
        Job.priority,
        Job.state,
        Job.worker_id,
        Job.queued_at,
        Job.started_at,
        Job.finished_at,
    )
    rows = session.execute(question.where(Job.id.in_(ids)).order_by(Job.id))
    return tuple(Start(**row._mapping) for row in rows)


def live_jobs_tagged(session: Reader, task: str, tag: str) -> tuple[tuple[uuid.UUID, str], ...]:
    """Return id and state of the jobs of `task` with `tag` that have not ended. Raises QueryTooSlow."""
    question = (
        select(Job.id, Job.state)
        .where(Job.state.in_(sorted(LIVE)), Job.task == task, Job.tags.contains([tag]))
        .order_by(Job.id)
    )
    with time_limit(session):
        return tuple((row.id, row.state) for row in session.execute(question))


def open_letters_tagged(session: Reader, task: str, tag: str) -> tuple[int, ...]:
    """Return the open dead letters of jobs of `task` with `tag`. Raises QueryTooSlow."""
    question = (
        select(DeadLetter.id)
        .join(Job, Job.id == DeadLetter.job_id)
        .where(
            DeadLetter.resolved_at.is_(None),
            DeadLetter.reprocessed_at.is_(None),
            DeadLetter.task == task,
            Job.tags.contains([tag]),
        )
        .order_by(DeadLetter.id)
    )
    with time_limit(session):
        return tuple(session.scalars(question))
