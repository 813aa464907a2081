"""What an operator can do to jobs that wait: let them run at once, later, elsewhere, earlier."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from tasks.engine import database, new_job
from tasks.engine.database import Cursor
from tasks.engine.errors import OptionNotValid
from tasks.engine.intake import accept, queue_names
from tasks.engine.states import MOVES, Event
from tasks.engine.store import plans
from tasks.engine.store.plans import Changed
from tasks.engine.verbs.verdict import Verdict, judged, why_not

log = logging.getLogger("mahaam.verbs")

Change = Callable[[Cursor, Sequence[str]], list[Changed]]

PROMOTABLE: frozenset[str] = frozenset(MOVES[Event.PROMOTED])
CHANGEABLE: frozenset[str] = frozenset(MOVES[Event.CHANGED])


def promote(job_ids: Iterable[UUID], *, by: str) -> Verdict:
    """Queue scheduled and retrying jobs now, except those of a paused task.

    Raises DatabaseUnavailable.
    """
    return _change(job_ids, plans.promote, "promoted", PROMOTABLE, by=by)


def reschedule(
    job_ids: Iterable[UUID],
    *,
    by: str,
    run_at: datetime | None = None,
    delay_s: float | timedelta | None = None,
) -> Verdict:
    """Let scheduled, queued and retrying jobs run at another time; a naive `run_at` is UTC.

    Raises OptionNotValid, DatabaseUnavailable.
    """
    if (run_at is None) == (delay_s is None):
        raise OptionNotValid("Give run_at or delay_s, and not both.")
    delay_s = new_job.seconds("delay_s", delay_s)
    if delay_s is not None and delay_s < 0:
        raise OptionNotValid(f"delay_s must not be negative; it is {delay_s:g}.")
    change = partial(plans.reschedule, run_at=new_job.moment("run_at", run_at), delay_s=delay_s)
    return _change(job_ids, change, "rescheduled", CHANGEABLE, by=by)


def set_priority(job_ids: Iterable[UUID], priority: int, *, by: str) -> Verdict:
    """Give scheduled, queued and retrying jobs another priority.

    Raises OptionNotValid, DatabaseUnavailable.
    """
    new_job.check_priority(priority)
    change = partial(plans.set_priority, priority=priority)
    return _change(job_ids, change, "given a priority", CHANGEABLE, by=by)


def move(job_ids: Iterable[UUID], queue: str, *, by: str) -> Verdict:
    """Put scheduled, queued and retrying jobs into another queue.

    Raises UnknownQueue, DatabaseUnavailable.
    """
    queue_names.check(queue)
    return _change(job_ids, partial(plans.move, queue=queue), "moved", CHANGEABLE, by=by)


def _change(
    ids: Iterable[UUID], change: Change, verb: str, states: Collection[str], *, by: str
) -> Verdict:
    return judged(ids, partial(_changed, change=change, verb=verb, by=by), why_not(verb, states))


def _changed(ids: Sequence[UUID], *, change: Change, verb: str, by: str) -> list[UUID]:
    """Change some jobs, then let Redis know: forget first, so that a new priority is taken."""
    changed = database.repeatable(lambda cursor: change(cursor, list(map(str, ids))))
    accept.forget([job.bell_before for job in changed])
    accept.ring([job.bell for job in changed if job.bell])
    log.info("Jobs %s. jobs=%s by=%s", verb, len(changed), by)
    return [UUID(job.id) for job in changed]
