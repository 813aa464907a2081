"""The demo of priority and concurrency: more sleeping jobs than slots, with mixed priorities."""

from __future__ import annotations

import math
from collections import Counter
from datetime import timedelta
from uuid import UUID

from flask_babel import gettext as _
from rich.console import RenderableType

from mahaam.enqueuing.enqueue import enqueue
from mahaam.jobs import states
from mahaam.jobs.states import State
from mahaam.queries.starts import Start, starts
from mahaam.workers.queries import WorkerEntry

from ..commands import BadInput, operator, read
from ..output import row, span, table, word
from . import harness
from .harness import Check
from .overlap import longest_gap, out_of_order, peak

TASK = "tasks.demo.sleep"
QUEUE = "default"
PRIORITIES = (1, 10, 5)
HEAD_START_S = 0.5
ENQUEUE_S = 0.02  # the time that a slow machine needs for one job
REFILL = timedelta(seconds=0.5)
PATIENCE_S = 60.0


def show(count: int, *, sleep_s: float, clear: bool, is_json: bool) -> None:
    """Run the demo and check its promises from the rows."""
    consumers = harness.live_consumers(QUEUE)
    slots = sum(consumer.greenlets for consumer in consumers)
    if count <= slots:
        raise BadInput(_("--count must be more than the %(n)s jobs that run at once.", n=slots))
    if clear:
        harness.clear_leftovers(TASK, QUEUE)
    ids: list[UUID] = []
    with harness.cancelled_on_interrupt(ids):
        _enqueue(ids, count, sleep_s)
        harness.follow(
            lambda: _look(ids),
            queue=QUEUE,
            limit_s=math.ceil(count / slots) * sleep_s + PATIENCE_S,
            is_quiet=is_json,
        )
    rows = read(starts, ids)
    harness.judge(_checks(rows, count, consumers), is_json=is_json, jobs=rows)


def _enqueue(ids: list[UUID], count: int, sleep_s: float) -> None:
    # All become due at the same time. Otherwise the first would start before the others exist, and
    # their order would prove nothing.
    eta = harness.now() + timedelta(seconds=HEAD_START_S + count * ENQUEUE_S)
    for number in range(count):
        made = enqueue(
            TASK,
            (sleep_s,),
            priority=PRIORITIES[number % len(PRIORITIES)],
            max_retries=0,
            eta=eta,
            tags=(harness.TAG,),
            created_by=operator(),
        )
        ids.append(made.id)


def _look(ids: list[UUID]) -> tuple[RenderableType, bool]:
    rows, now = read(starts, ids), harness.now()
    made = table(
        _("Job"), _("Priority"), _("State"), _("Waited"), _("Ran"), numbers=(1, 3, 4),
        title=_("%(n)s run", n=sum(row.state == State.RUNNING for row in rows)),
    )  # fmt: skip
    for start in sorted(rows, key=lambda start: (-start.priority, start.id)):
        began = start.started_at
        waited = (began or now) - start.queued_at if start.queued_at else None
        ran = (start.finished_at or now) - began if began else None
        row(made, start.id, start.priority, word(start.state), span(waited), span(ran))
    return made, all(states.is_final(start.state) for start in rows)


def _checks(rows: tuple[Start, ...], count: int, consumers: tuple[WorkerEntry, ...]) -> list[Check]:
    completed = sum(start.state == State.COMPLETED for start in rows)
    done = Check(
        _("Every job completes"),
        completed == count,
        _("%(n)s of %(count)s", n=completed, count=count),
    )
    if not done.ok or any(start.started_at is None for start in rows):
        return [done]
    return [done, _order(rows), _never_more(rows, consumers), _exactly(rows, consumers)]


def _order(rows: tuple[Start, ...]) -> Check:
    name = _("Higher priority starts first, first in first out among equals")
    wrong = out_of_order(rows)
    if wrong is None:
        counts = Counter(start.priority for start in rows)
        shown = ", ".join(f"{counts[priority]} × {priority}" for priority in sorted(counts)[::-1])
        return Check(name, True, _("priorities in order: %(shown)s", shown=shown))
    later, earlier = wrong
    detail = _(
        "job %(early)s (priority %(low)s) started before %(late)s (priority %(high)s)",
        early=earlier.id, low=earlier.priority, late=later.id, high=later.priority,
    )  # fmt: skip
    return Check(name, False, detail)


def _never_more(rows: tuple[Start, ...], consumers: tuple[WorkerEntry, ...]) -> Check:
    slots = {consumer.id: consumer.greenlets for consumer in consumers}
    peaks = {
        worker_id: peak(start for start in rows if start.worker_id == worker_id)
        for worker_id in {start.worker_id for start in rows}
    }
    seen = "; ".join(
        _("%(peak)s of %(slots)s", peak=most, slots=slots.get(worker_id, "?"))  # type: ignore[arg-type]
        for worker_id, most in peaks.items()
    )
    ok = all(most <= slots.get(worker_id, 0) for worker_id, most in peaks.items())  # type: ignore[arg-type]
    return Check(_("Never more at once than a consumer has slots"), ok, seen)


def _exactly(rows: tuple[Start, ...], consumers: tuple[WorkerEntry, ...]) -> Check:
    slots = sum(consumer.greenlets for consumer in consumers)
    most, gap = peak(rows), longest_gap(rows, slots)
    return Check(
        _("Exactly %(n)s at once under load", n=slots),
        most == slots and gap <= REFILL,
        _("at most %(most)s; a free slot waited %(gap)s at most", most=most, gap=span(gap)),
    )
