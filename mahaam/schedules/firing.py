"""Firing of due schedules: each due time becomes one job, or a note of why it did not.

Any number of processes do this side by side. What is read here decides nothing: the statement that
fires moves `next_run_at` only from where it was read, by PostgreSQL's clock alone.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from mahaam.core.errors import MahaamError, OptionNotValid
from mahaam.core.ids import id_at
from mahaam.core.log_throttle import cause
from mahaam.core.translatable import Translatable
from mahaam.enqueuing import accept, known_queues
from mahaam.jobs.job_columns import OF_JOB
from mahaam.jobs.new_job import NewJob
from mahaam.jobs.notice import Notice
from mahaam.jobs.task_registry import tasks
from mahaam.postgres import database
from mahaam.postgres.reconnecting import REFUSALS
from mahaam.redaction.redact import shown_call
from mahaam.schedules import fires_store
from mahaam.schedules.definitions_queries import definition_tag
from mahaam.schedules.due_queries import DueSchedule, due_ids, due_schedules, some_schedules
from mahaam.schedules.rules.due_times import MISSED, due

log = logging.getLogger("mahaam.schedules")

T = TypeVar("T")
Run = Callable[[Callable[[database.Cursor], T]], T]  # carries out work on some connection

LIMIT = 500  # schedules in one statement
RETRY_S = 5.0  # between tries of a broken schedule in one process
MOST_NOTED = 10_000
OTHERS_S = 5.0  # how long another process gets that may know the task
NO_TASK = Translatable("There is no task %(name)s any more.")
NOT_FIRED = Translatable("It cannot be fired: %(fault)s")
NOT_FITTING = Translatable("Its parameters do not fit the task any more: %(fault)s")


class CannotFire(MahaamError):
    """A schedule cannot make a job."""

    def __init__(self, phrase: Translatable) -> None:
        super().__init__(str(phrase))
        self.phrase = phrase


@dataclass(frozen=True, slots=True)
class _Plan:
    """The plan for a due schedule: its next time, and its due times."""

    schedule: DueSchedule
    move: dict[str, Any]
    wanted: list[dict[str, Any]]


_next_try: dict[int, float] = {}  # of broken schedules; another process may succeed at once


def fire_due(run: Run[Any] = database.repeatable) -> tuple[list[Notice], bool]:
    """Fire what is due. Return the notices of the jobs, and True if more may be due.

    `run` carries out work on a connection and may raise what that raises.
    """
    found = _due(run)
    plans = [plan for schedule in found if (plan := _planned(run, schedule)) is not None]
    notices = _fired(run, plans)
    return notices, len(plans) == LIMIT


def release(run: Run[Any] = database.repeatable) -> list[Notice]:
    """Make the jobs of due times that waited for the end of the job before. Return their notices."""
    waiting = run(partial(fires_store.waiting, limit=LIMIT))
    if not waiting:
        return []
    at = dict(waiting)
    plans = []
    for schedule in run(partial(some_schedules, ids=list(at))):
        if _was_just_tried(schedule):
            continue
        try:
            row = _row(schedule, at[schedule.id]) | columns(schedule)
            plans.append(_Plan(schedule, {}, [row]))
        except Exception as fault:  # noqa: BLE001 (whatever it is, the others go on)
            _note_next_try(schedule.id)
            _mark_broken(run, schedule, _why(fault))
    return _released(run, plans)


def _due(run: Run[Any]) -> list[DueSchedule]:
    """Return what is due, read one by one when a row cannot even be read."""
    try:
        found: list[DueSchedule] = run(partial(due_schedules, limit=LIMIT))
    except (ValueError, OverflowError):  # a time that Python does not know
        ids: list[int] = run(partial(due_ids, limit=LIMIT))
        found = []
        for id_ in ids:
            try:
                found += run(partial(some_schedules, ids=[id_]))
            except (ValueError, OverflowError) as fault:
                _note_unreadable(run, id_, fault)
    return [schedule for schedule in found if not _was_just_tried(schedule)]


def _planned(run: Run[Any], schedule: DueSchedule) -> _Plan | None:
    try:
        return _plan(schedule)
    except CannotFire as fault:
        if schedule.now - schedule.next_run_at > timedelta(seconds=OTHERS_S):
            _mark_broken(run, schedule, fault.phrase)
    except Exception as fault:  # noqa: BLE001 (whatever its row makes of it, the others fire)
        _note_next_try(schedule.id)
        _mark_broken(run, schedule, _why(fault))
    return None


def _fired(run: Run[Any], plans: Sequence[_Plan]) -> list[Notice]:
    """Fire in one statement; in halves when PostgreSQL rejects it, until the faulty one is found."""
    moves = [plan.move for plan in plans]
    return _sent(run, fires_store.fire, plans, more={"moves": moves}, halve=_fired)


def _released(run: Run[Any], plans: Sequence[_Plan]) -> list[Notice]:
    return _sent(run, fires_store.release, plans, more={}, halve=_released)


def _sent(
    run: Run[Any],
    send: Callable[..., list[Notice]],
    plans: Sequence[_Plan],
    *,
    more: dict[str, Any],
    halve: Callable[[Run[Any], Sequence[_Plan]], list[Notice]],
) -> list[Notice]:
    if not plans:
        return []
    wanted = [row for plan in plans for row in plan.wanted]
    try:
        notices: list[Notice] = run(partial(send, wanted=wanted, **more))
    except REFUSALS as fault:
        if len(plans) == 1:
            _note_next_try(plans[0].schedule.id)
            _mark_broken(run, plans[0].schedule, _why(fault))
            return []
        half = len(plans) // 2
        return halve(run, plans[:half]) + halve(run, plans[half:])
    return notices


def by_hand(
    schedules: Sequence[DueSchedule], *, by: str, at: Sequence[datetime] = ()
) -> list[dict[str, Any]]:
    """Return what `fires_store.run_now` takes: one job for each schedule, or one for every time of `at`.

    Raises CannotFire.
    """
    times: list[str | None] = [moment.isoformat() for moment in at] or [None]
    return [
        _row(schedule, time) | columns(schedule) | {"made_by": by}
        for schedule in schedules
        for time in times
    ]


def columns(schedule: DueSchedule) -> dict[str, Any]:
    """Return the columns of a new job of the schedule, with an id of its own. Raises CannotFire."""
    job = _job(schedule)
    tags = [
        *(job.tags or ()),
        *([definition_tag(schedule.definition)] if schedule.definition else ()),
    ]
    return {name: getattr(job, name) for name in OF_JOB} | {
        "id": id_at(schedule.now),
        "args": schedule.args,
        "kwargs": schedule.kwargs,
        "shown": _shown(schedule),
        "options": json.loads(job.options) if job.options else None,
        "tags": tags or None,
        "expires_in_s": job.expires_in_s,
        "expires_at": job.expires_at and job.expires_at.isoformat(),
    }


def _shown(schedule: DueSchedule) -> dict[str, Any] | None:
    """Return what searches may see of the arguments; None: all of them."""
    args, kwargs = (
        json.dumps(part, ensure_ascii=False, separators=(",", ":"))
        for part in (schedule.args, schedule.kwargs)
    )
    shown = shown_call(args, kwargs, schedule.task)
    return json.loads(shown) if shown else None


def _plan(schedule: DueSchedule) -> _Plan:
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
    move = {
        "schedule_id": schedule.id,
        "seen_at": schedule.next_run_at.isoformat(),
        "next_at": judged.next_at and judged.next_at.isoformat(),
    }
    return _Plan(schedule, move, rows)


def _row(schedule: DueSchedule, at: str | None) -> dict[str, Any]:
    return {"schedule_id": schedule.id, "fire_at": at, "count": 1}


def _job(schedule: DueSchedule) -> NewJob:
    known = tasks.get(schedule.task)
    if known is None:
        raise CannotFire(NO_TASK.about(name=schedule.task))
    overrides = dict(schedule.job_options)
    try:
        known.card.check(tuple(schedule.args), schedule.kwargs)
        job = known.new_job(**overrides)
        known_queues.check(job.queue)
    except (TypeError, OptionNotValid, MahaamError) as fault:
        raise CannotFire(NOT_FITTING.about(fault=str(fault))) from fault
    return job


def _was_just_tried(schedule: DueSchedule) -> bool:
    """Return True if a broken schedule was tried a moment ago."""
    return schedule.is_broken and time.monotonic() < _next_try.get(schedule.id, 0.0)


def _why(fault: Exception) -> Translatable:
    if isinstance(fault, CannotFire):
        return fault.phrase
    line = (str(fault).strip().splitlines() or [""])[0]
    return NOT_FIRED.about(fault=f"{type(fault).__name__}: {line}"[:300])


def _mark_broken(run: Run[Any], schedule: DueSchedule, why: Translatable) -> None:
    broken = partial(
        fires_store.mark_broken, id_=schedule.id, seen_at=schedule.next_run_at, broken=why.kept()
    )
    if run(broken):
        _say_broken(schedule.name, why)


def _note_unreadable(run: Run[Any], id_: int, fault: Exception) -> None:
    name = run(partial(fires_store.mark_unreadable, id_=id_, broken=_why(fault).kept()))
    if name:
        _say_broken(name, _why(fault))


def _note_next_try(id_: int) -> None:
    if len(_next_try) > MOST_NOTED:
        _next_try.clear()
    _next_try[id_] = time.monotonic() + RETRY_S


def _say_broken(name: str, why: Translatable) -> None:
    log.error(
        "Schedule is broken; the others go on. schedule=%s why=%s", name, why, extra=cause(name)
    )


def ring(notices: Sequence[Notice]) -> None:
    """Send the notices of what was fired; without Redis a consumer does it later."""
    if notices:
        accept.ring(notices)
