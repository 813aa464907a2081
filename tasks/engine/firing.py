"""Fires schedules that are due: each due time becomes one job, or a note of why it did not.

Any number of processes do this side by side. What is read here decides nothing: the statement that
fires moves `next_run_at` only from where it was seen, by PostgreSQL's clock alone.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from tasks.engine import database
from tasks.engine.errors import MahaamError, OptionNotValid
from tasks.engine.intake import accept, queue_names
from tasks.engine.new_job import NewJob
from tasks.engine.phrase import Phrase
from tasks.engine.queries.definitions import definition_tag
from tasks.engine.queries.due_schedules import DueSchedule, due_schedules, some_schedules
from tasks.engine.registry import tasks
from tasks.engine.ring import Ring
from tasks.engine.schedules.due import MISSED, due
from tasks.engine.seam.message import new_job_of
from tasks.engine.store import fires
from tasks.engine.task import id_at

log = logging.getLogger("mahaam.schedules")

T = TypeVar("T")
Run = Callable[[Callable[[database.Cursor], T]], T]  # carries out work on some connection

LIMIT = 500  # schedules in one statement
OTHERS_S = 5.0  # how long another process gets that may know the task
NO_TASK = Phrase("There is no task %(name)s any more.")
NOT_FITTING = Phrase("Its parameters do not fit the task any more: %(fault)s")


class CannotFire(MahaamError):
    """A schedule cannot make a job."""

    def __init__(self, phrase: Phrase) -> None:
        super().__init__(str(phrase))
        self.phrase = phrase


@dataclass(slots=True)
class _Plan:
    moves: list[dict[str, Any]] = field(default_factory=list)
    wanted: list[dict[str, Any]] = field(default_factory=list)


def fire_due(run: Run[Any] = database.repeatable) -> tuple[list[Ring], bool]:
    """Fire what is due; what to ring for, and whether more may be due.

    `run` carries out work on a connection and may raise what that raises.
    """
    found: list[DueSchedule] = run(partial(due_schedules, limit=LIMIT))
    plan = _Plan()
    for schedule in found:
        try:
            _add(plan, schedule)
        except CannotFire as fault:
            if schedule.now - schedule.next_run_at > timedelta(seconds=OTHERS_S):
                _mark_broken(run, schedule, fault.phrase)
    rings = run(partial(fires.fire, moves=plan.moves, wanted=plan.wanted)) if plan.moves else []
    return rings, len(plan.moves) == LIMIT


def release(run: Run[Any] = database.repeatable) -> list[Ring]:
    """Make the jobs of due times that waited for the end of the job before; what to ring for."""
    waiting = run(partial(fires.waiting, limit=LIMIT))
    if not waiting:
        return []
    at = dict(waiting)
    wanted = []
    for schedule in run(partial(some_schedules, ids=list(at))):
        try:
            wanted.append(_row(schedule, at[schedule.id]) | columns(schedule))
        except CannotFire as fault:
            log.warning("A waiting fire is left. schedule=%s fault=%s", schedule.name, fault)
    rings: list[Ring] = run(partial(fires.release, wanted=wanted)) if wanted else []
    return rings


def by_hand(
    schedules: Sequence[DueSchedule], *, by: str, at: Sequence[datetime] = ()
) -> list[dict[str, Any]]:
    """What `fires.run_now` makes of schedules: one job each, or one for every time of `at`.

    Raises CannotFire.
    """
    times: list[str | None] = [moment.isoformat() for moment in at] or [None]
    return [
        _row(schedule, time) | columns(schedule) | {"made_by": by}
        for schedule in schedules
        for time in times
    ]


def columns(schedule: DueSchedule) -> dict[str, Any]:
    """The columns of a new job of the schedule, with an id of its own. Raises CannotFire."""
    job = _job(schedule)
    kept = json.loads(job.options) if job.options else None
    tags = [
        *(job.tags or ()),
        *([definition_tag(schedule.definition)] if schedule.definition else ()),
    ]
    return {
        "id": id_at(schedule.now),
        "task": job.task,
        "queue": job.queue,
        "priority": job.priority,
        "args": schedule.args,
        "kwargs": schedule.kwargs,
        "options": kept,
        "tags": tags or None,
        "max_retries": job.max_retries,
        "retry_delay_s": job.retry_delay_s,
        "retry_backoff": job.retry_backoff,
        "retry_jitter": job.retry_jitter,
        "timeout_s": job.timeout_s,
        "expires_s": job.expires_in_s,
    }


def _add(plan: _Plan, schedule: DueSchedule) -> None:
    judged = due(
        schedule.spec,
        schedule.next_run_at,
        schedule.now,
        missed=schedule.missed,
        limit=schedule.missed_limit,
    )
    rows = [_row(schedule, at.isoformat()) | columns(schedule) for at in judged.fires]
    rows += [
        _row(schedule, skip.at.isoformat()) | {"count": skip.count, "reason": MISSED}
        for skip in judged.skips
    ]
    plan.wanted += rows
    plan.moves.append(
        {
            "schedule_id": schedule.id,
            "seen_at": schedule.next_run_at.isoformat(),
            "next_at": judged.next_at and judged.next_at.isoformat(),
        }
    )


def _row(schedule: DueSchedule, at: str | None) -> dict[str, Any]:
    return {"schedule_id": schedule.id, "fire_at": at, "count": 1}


def _job(schedule: DueSchedule) -> NewJob:
    known = tasks.get(schedule.task)
    if known is None:
        raise CannotFire(NO_TASK.about(name=schedule.task))
    overrides = {
        name: value
        for name in ("priority", "queue", "max_retries")
        if (value := getattr(schedule, name)) is not None
    }
    message = known.task_class()
    if isinstance(message.expires, int | float | timedelta):
        seconds = message.expires
        overrides["expires_in_s"] = (
            seconds.total_seconds() if isinstance(seconds, timedelta) else float(seconds)
        )
        message.expires = None
    try:
        known.card.check(tuple(schedule.args), schedule.kwargs)
        job = new_job_of(message, **overrides)
        queue_names.check(job.queue)
    except (TypeError, OptionNotValid, MahaamError) as fault:
        raise CannotFire(NOT_FITTING.about(fault=str(fault))) from fault
    return job


def _mark_broken(run: Run[Any], schedule: DueSchedule, why: Phrase) -> None:
    broken = partial(
        fires.mark_broken, id_=schedule.id, seen_at=schedule.next_run_at, broken=why.kept()
    )
    if run(broken):
        log.error("Schedule is broken; the others go on. schedule=%s why=%s", schedule.name, why)


def ring(rings: Sequence[Ring]) -> None:
    """Ring for what was fired; without Redis a consumer does it later."""
    if rings:
        accept.ring(rings)
