"""`flask queue monitor`: a live view of the queues and workers."""

from __future__ import annotations

import time
from typing import Any

import click
from flask_babel import gettext as _
from rich.console import Group
from rich.live import Live
from rich.table import Table

from mahaam.jobs.states import State
from mahaam.overview.live_counts import LiveCounts, live_counts
from mahaam.queries.queues import QueueEntry
from mahaam.workers.queries import WorkerEntry

from ..present import badges
from .commands import read
from .output import as_json, megabytes, paper, print_json, row, span, table, word
from .queue import queue

SHOWN = tuple(state for state in State if state is not State.COMPLETED)


@queue.add("monitor")
@click.option("--once", is_flag=True, help="Print one table and end.")
@click.option("--every", "every_s", default=1.0, type=click.FloatRange(min=0.1), help="Seconds.")
@as_json
def monitor(once: bool, every_s: float, is_json: bool) -> None:
    """Show queues by state, rates, the oldest waiting job, and the workers; Ctrl-C ends it."""
    console = paper()
    if is_json:
        print_json(_plain(read(live_counts)))
    elif once or not console.is_terminal:
        console.print(_picture(read(live_counts)))
    else:
        _follow(every_s)


def _follow(every_s: float) -> None:
    try:
        with Live(_picture(read(live_counts)), console=paper(), screen=True) as live:
            while True:
                time.sleep(every_s)
                live.update(_picture(read(live_counts)), refresh=True)
    except KeyboardInterrupt:
        return


def _picture(now: LiveCounts) -> Group:
    return Group(_queues(now), _workers(now))


def _queues(now: LiveCounts) -> Table:
    states = [word(state) for state in SHOWN]
    made = table(
        _("Queue"), *states, _("Completed, 1 h"), _("Per second"), _("Oldest waiting"),
        title=f"Mahaam {now.at:%Y-%m-%d %H:%M:%S} UTC", numbers=range(1, len(states) + 4),
    )  # fmt: skip
    for entry in now.queues:
        row(
            made,
            _name(entry),
            *(_count(now, entry, state) for state in SHOWN),
            entry.completed,
            f"{now.rates.get(entry.name, 0):.1f}",
            span(now.at - entry.oldest_at) if entry.oldest_at else None,
        )
    return made


def _workers(now: LiveCounts) -> Table:
    made = table(
        _("Worker"), _("Host"), _("Process"), _("State"), _("Busy"), _("Memory"), _("Last beat"),
        _("Queues"), numbers=(2, 4, 5, 6),
    )  # fmt: skip
    live = [worker for worker in now.workers if worker.is_live]
    for worker in live:
        row(
            made, worker.id, worker.host, worker.pid, badges.WORKER[worker.state].word, _busy(worker),
            megabytes(worker.memory_bytes), span(now.at - worker.beat_at),
            ", ".join(worker.queues) or _("all"),
        )  # fmt: skip
    if not live:
        row(made, _("No consumer is alive."), *[None] * 7)
    return made


def _name(entry: QueueEntry) -> str:
    return f"{entry.name} ({_('paused')})" if entry.paused_at else entry.name


def _count(now: LiveCounts, entry: QueueEntry, state: State) -> str:
    return f"{now.counts.get((entry.name, state), 0)}{'+' if state in now.cut else ''}"


def _busy(worker: WorkerEntry) -> str:
    return f"{worker.running}/{worker.greenlets}"


def _plain(now: LiveCounts) -> dict[str, Any]:
    return {
        "at": now.at,
        "queues": [_plain_queue(now, entry) for entry in now.queues],
        "workers": [worker for worker in now.workers if worker.is_live],
        "lower_bounds": sorted(now.cut),
    }


def _plain_queue(now: LiveCounts, entry: QueueEntry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "paused_at": entry.paused_at,
        "resume_at": entry.resume_at,
        "states": {state: now.counts.get((entry.name, state), 0) for state in SHOWN},
        "completed_last_hour": entry.completed,
        "failed_last_hour": entry.failed,
        "ended_per_s": round(now.rates.get(entry.name, 0), 3),
        "oldest_queued_at": entry.oldest_at,
    }
