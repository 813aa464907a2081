"""What an operator can do to jobs as they are; each verb takes many."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from uuid import UUID

from psycopg2.errors import UniqueViolation

from mahaam.audit.record import audited_jobs
from mahaam.enqueuing import accept
from mahaam.jobs.states import MOVES, WAITING, Event, State
from mahaam.operations.verb_result import VerbResult, judged, why_not
from mahaam.postgres import database
from mahaam.postgres.database import Cursor
from mahaam.store.actions import cancel as waiting
from mahaam.store.actions import requeue
from mahaam.store.actions.requeue import Requeued

log = logging.getLogger("mahaam.verbs")

RETRYABLE: frozenset[str] = frozenset(MOVES[Event.RETRIED])
CANCELLABLE: frozenset[str] = frozenset(WAITING)


def retry(job_ids: Iterable[UUID], *, by: str) -> VerbResult:
    """Queue failed, cancelled, expired and completed jobs again, with all their retries anew.

    Their open dead letters count as reprocessed. A job is refused while a live one holds its
    dedupe key. Raises DatabaseUnavailable.
    """
    return judged(job_ids, partial(_retry, by=by), why_not("retried", RETRYABLE))


def cancel(job_ids: Iterable[UUID], *, by: str) -> VerbResult:
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
