"""What an operator can do to jobs as they are; each verb takes many."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from uuid import UUID

from psycopg2.errors import UniqueViolation

from tasks.engine import database
from tasks.engine.audit import audited_jobs
from tasks.engine.database import Cursor
from tasks.engine.intake import accept
from tasks.engine.states import MOVES, WAITING, Event, State
from tasks.engine.store import requeue, waiting
from tasks.engine.store.requeue import Requeued
from tasks.engine.verbs.verdict import Verdict, judged, why_not

log = logging.getLogger("mahaam.verbs")

RETRYABLE: frozenset[str] = frozenset(MOVES[Event.RETRIED])
CANCELLABLE: frozenset[str] = frozenset(WAITING)


def retry(job_ids: Iterable[UUID], *, by: str) -> Verdict:
    """Queue failed, cancelled, expired and completed jobs again, with all their retries anew.

    Their open dead letters count as reprocessed. A job is refused while a live one holds its
    dedupe key. Raises DatabaseUnavailable.
    """
    return judged(job_ids, partial(_retry, by=by), why_not("retried", RETRYABLE))


def cancel(job_ids: Iterable[UUID], *, by: str) -> Verdict:
    """Cancel scheduled, queued and retrying jobs. Raises DatabaseUnavailable."""
    return judged(job_ids, partial(_cancel, by=by), why_not("cancelled", CANCELLABLE))


def requeued(work: Callable[[Cursor], list[Requeued]]) -> list[Requeued]:
    """Queue jobs again, and what else `work` does, then ring for them."""
    while True:
        try:
            moved = database.repeatable(work, atomic=True)
        except UniqueViolation:
            continue  # a job with the same dedupe key came at this moment; now it is seen
        if moved:
            accept.ring([job.ring for job in moved if job.ring])
        return moved


def _retry(ids: Sequence[UUID], *, by: str) -> list[UUID]:
    names = list(map(str, ids))
    moved = requeued(
        audited_jobs(
            partial(requeue.retry, ids=names, by=by),
            "retry",
            by=by,
            ids=names,
            done=lambda moved: [job.id for job in moved],
            after={"state": State.QUEUED},
        )
    )
    log.info("Jobs retried. jobs=%s by=%s", len(moved), by)
    return [UUID(job.id) for job in moved]


def _cancel(ids: Sequence[UUID], *, by: str) -> list[UUID]:
    names = list(map(str, ids))
    change = audited_jobs(
        partial(waiting.cancel, ids=names),
        "cancel",
        by=by,
        ids=names,
        done=lambda cancelled: [job.id for job in cancelled.jobs],
        after={"state": State.CANCELLED},
    )
    cancelled = database.repeatable(change, atomic=True)
    accept.forget(cancelled.jobs)
    accept.ring(cancelled.following)
    log.info("Jobs cancelled. jobs=%s by=%s", len(cancelled.jobs), by)
    return [UUID(job.id) for job in cancelled.jobs]
