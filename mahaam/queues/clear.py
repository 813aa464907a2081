"""What an operator can do to whole queues."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from mahaam.audit.record import AuditRecord, audited
from mahaam.core.errors import OptionNotValid
from mahaam.enqueuing import accept, known_queues
from mahaam.jobs.job_option import INT4
from mahaam.jobs.states import State
from mahaam.postgres import database, watermarks
from mahaam.store import queue_configs
from mahaam.store.actions import cancel
from mahaam.store.actions.cancel import Cancelled, CancelledJob

log = logging.getLogger("mahaam.verbs")

FIRST = CancelledJob("", INT4, str(UUID(int=0)), datetime.min.replace(tzinfo=UTC))


def clear(queue: str, *, by: str) -> int:
    """Cancel every job that is queued in `queue` now. Return how many.

    Raises UnknownQueue, DatabaseUnavailable.
    """
    known_queues.check(queue)
    count, after, until = 0, FIRST, database.repeatable(watermarks.now)
    while True:
        clear_next = partial(cancel.clear, queue=queue, until=until, after=after)
        cancelled = database.repeatable(
            audited(clear_next, partial(_event, queue=queue, by=by)), atomic=True
        )
        if not cancelled.jobs:
            break
        accept.forget(cancelled.jobs)
        accept.ring(cancelled.following)
        count += len(cancelled.jobs)
        after = max(cancelled.jobs, key=lambda job: (-job.priority, job.queued_at, job.id))
    log.info("Queue cleared. queue=%s jobs=%s by=%s", queue, count, by)
    return count


def set_rank(queue: str, rank: int, *, by: str) -> int:
    """Serve `queue` after all queues of lower rank from now on. Return the rank that it had.

    Raises UnknownQueue, OptionNotValid, DatabaseUnavailable.
    """
    known_queues.check(queue)
    if not -INT4 <= rank <= INT4:
        raise OptionNotValid(f"A rank must be between -{INT4} and {INT4}; it is {rank}.")
    change = audited(
        partial(queue_configs.set_rank, name=queue, rank=rank),
        lambda before: AuditRecord(
            actor=by,
            verb="rank",
            kind="queue",
            targets=[queue],
            before={"rank": before},
            after={"rank": rank},
        ),
    )
    before = database.repeatable(change, atomic=True)
    log.info("Queue ranked. queue=%s rank=%s before=%s by=%s", queue, rank, before, by)
    return before


def _event(cancelled: Cancelled, *, queue: str, by: str) -> AuditRecord:
    return AuditRecord(
        actor=by,
        verb="clear",
        kind="job",
        targets=[job.id for job in cancelled.jobs],
        filter={"queue": queue, "state": State.QUEUED},
        before={"state": State.QUEUED},
        after={"state": State.CANCELLED},
    )
