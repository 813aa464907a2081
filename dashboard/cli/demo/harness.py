"""The base of the demos: a live consumer, no leftovers, a table that is updated, a result."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import click
from flask_babel import gettext as _
from flask_babel import ngettext
from rich.console import RenderableType
from rich.live import Live

from mahaam import verbs
from mahaam.jobs.states import State
from mahaam.postgres import database, watermarks
from mahaam.queries.starts import live_jobs_tagged, open_letters_tagged
from mahaam.workers.queries import WorkerEntry, workers

from ..commands import Refusal, operator, read
from ..output import paper, print_json, row, table

TAG = "demo"
LOOK_S = 0.2
INTERRUPTED = 130


@dataclass(frozen=True)
class Check:
    """One promise, whether it was kept, and what was observed."""

    name: str
    ok: bool
    detail: str


def live_consumers(queue: str) -> tuple[WorkerEntry, ...]:
    """Return the consumers that take new jobs from `queue`. Raises Refusal when there is none."""
    alive = tuple(
        worker
        for worker in read(workers)
        if worker.is_live
        and worker.state == State.RUNNING
        and (not worker.queues or queue in worker.queues)
    )
    if not alive:
        raise Refusal(
            _(
                "No consumer is alive that serves %(queue)s: start one, flask queue work.",
                queue=queue,
            )
        )
    return alive


def clear_leftovers(task: str, queue: str) -> None:
    """Cancel and resolve what earlier demos left, and wait for what still runs."""
    left = read(live_jobs_tagged, task, TAG)
    verbs.apply("cancel", [id_ for id_, _state in left], by=operator())
    letters = read(open_letters_tagged, task, TAG)
    verbs.apply("resolve", letters, by=operator(), note="demo")
    while left := read(live_jobs_tagged, task, TAG):
        live_consumers(queue)
        time.sleep(LOOK_S)
        waiting = [id_ for id_, state in left if state != State.RUNNING]
        verbs.apply("cancel", waiting, by=operator())


def now() -> datetime:
    """Return PostgreSQL's time."""
    return database.repeatable(watermarks.now)


@contextmanager
def cancelled_on_interrupt(ids: list[UUID]) -> Iterator[None]:
    """On Ctrl-C, cancel the jobs in `ids` that have not started, print their number, and exit."""
    try:
        yield
    except KeyboardInterrupt:
        result = verbs.apply("cancel", ids, by=operator())
        message = ngettext(
            "Stopped; %(num)s waiting job was cancelled.",
            "Stopped; %(num)s waiting jobs were cancelled.",
            len(result.done),
        )
        click.echo(f"\n{message}", err=True)
        raise SystemExit(INTERRUPTED) from None


def follow(
    look: Callable[[], tuple[RenderableType, bool]], *, queue: str, limit_s: float, is_quiet: bool
) -> None:
    """Show what `look` draws until it reports the end.

    Raises Refusal when the last consumer is gone or `limit_s` seconds were not enough.
    """
    picture, is_over = look()
    deadline = time.monotonic() + limit_s
    console = paper()
    with Live(picture, console=console, auto_refresh=False, transient=is_quiet) as live:
        while not is_over:
            if time.monotonic() > deadline:
                raise Refusal(_("It was not over after %(n)s s.", n=round(limit_s)))
            live_consumers(queue)
            time.sleep(LOOK_S)
            picture, is_over = look()
            if not is_quiet:
                live.update(picture, refresh=True)
    if not is_quiet and not console.is_terminal:
        console.print()  # a file gets the last picture without its final newline


def judge(checks: list[Check], *, is_json: bool, **facts: Any) -> None:
    """Print the result. Exit with code 1 when a promise was not kept."""
    kept = all(check.ok for check in checks)
    if is_json:
        print_json({"ok": kept, "checks": checks, **facts})
    else:
        made = table(_("Verdict"), "", _("Seen"))
        for check in checks:
            row(made, check.name, _("kept") if check.ok else _("BROKEN"), check.detail)
        paper().print(made)
    if not kept:
        raise click.exceptions.Exit(1)
