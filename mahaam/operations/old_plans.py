"""What an operator can do to jobs that wait: let them run at once, later, elsewhere, earlier."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from mahaam.audit.record import audited_jobs
from mahaam.core.errors import OptionNotValid
from mahaam.enqueuing import accept, known_queues
from mahaam.jobs import job_option
from mahaam.jobs.states import MOVES, Event, State
from mahaam.operations.verb_result import VerbResult, judged, why_not
from mahaam.postgres import database
from mahaam.store.actions import reschedule as plans
from mahaam.store.actions.reschedule import ChangedJob

log = logging.getLogger("mahaam.verbs")

PROMOTABLE: frozenset[str] = frozenset(MOVES[Event.PROMOTED])
CHANGEABLE: frozenset[str] = frozenset(MOVES[Event.CHANGED])


class Order(NamedTuple):
    """What is wanted of waiting jobs, the word for those that it was done to, what is so then."""

    verb: str
    participle: str
    change: Callable[..., list[ChangedJob]]
    after: dict[str, Any]


def promote(job_ids: Iterable[UUID], *, by: str) -> VerbResult:
    """Queue scheduled and retrying jobs now, except those of a paused task.

    Raises DatabaseUnavailable.
    """
    order = Order("promote", "promoted", plans.promote, {"state": State.QUEUED})
    return _change(job_ids, order, PROMOTABLE, by=by)


def reschedule(
    job_ids: Iterable[UUID],
    *,
    by: str,
    run_at: datetime | None = None,
    delay_s: float | timedelta | None = None,
) -> VerbResult:
    """Let scheduled, queued and retrying jobs run at another time; a naive `run_at` is UTC.

    Raises OptionNotValid, DatabaseUnavailable.
    """
    if (run_at is None) == (delay_s is None):
        raise OptionNotValid("Give run_at or delay_s, and not both.")
    delay_s = job_option.seconds("delay_s", delay_s)
    if delay_s is not None and delay_s < 0:
        raise OptionNotValid(f"delay_s must not be negative; it is {delay_s:g}.")
    run_at = job_option.moment("run_at", run_at)
    change = partial(plans.reschedule, run_at=run_at, delay_s=delay_s)
    at = str(run_at) if run_at else f"in {delay_s:g} s"
    return _change(
        job_ids, Order("reschedule", "rescheduled", change, {"run_at": at}), CHANGEABLE, by=by
    )


def set_priority(job_ids: Iterable[UUID], priority: int, *, by: str) -> VerbResult:
    """Give scheduled, queued and retrying jobs another priority.

    Raises OptionNotValid, DatabaseUnavailable.
    """
    job_option.check_priority(priority)
    change = partial(plans.set_priority, priority=priority)
    order = Order("set_priority", "given a priority", change, {"priority": priority})
    return _change(job_ids, order, CHANGEABLE, by=by)


def move(job_ids: Iterable[UUID], queue: str, *, by: str) -> VerbResult:
    """Put scheduled, queued and retrying jobs into another queue.

    Raises UnknownQueue, DatabaseUnavailable.
    """
    known_queues.check(queue)
    order = Order("move", "moved", partial(plans.move, queue=queue), {"queue": queue})
    return _change(job_ids, order, CHANGEABLE, by=by)


def _change(ids: Iterable[UUID], order: Order, states: Collection[str], *, by: str) -> VerbResult:
    return judged(ids, partial(_changed, order=order, by=by), why_not(order.participle, states))


def _changed(ids: Sequence[UUID], *, order: Order, by: str) -> list[UUID]:
    """Change some jobs, then let Redis know: forget first, so that a new priority is taken."""
    names = list(map(str, ids))
    change = audited_jobs(
        partial(order.change, ids=names),
        order.verb,
        by=by,
        ids=names,
        done=lambda changed: [job.id for job in changed],
        after=order.after,
    )
    changed = database.repeatable(change, atomic=True)
    accept.forget([job.bell_before for job in changed])
    accept.ring([job.bell for job in changed if job.bell])
    log.info("Jobs %s. jobs=%s by=%s", order.participle, len(changed), by)
    return [UUID(job.id) for job in changed]
