"""`flask queue pause | resume` and `flask tasks list | pause | resume`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
from flask_babel import gettext as _
from flask_babel import ngettext

from mahaam import verbs
from mahaam.enqueuing import catalog
from mahaam.jobs.task_card import TaskCard
from mahaam.postgres import database
from mahaam.queries.paused_tasks import TaskPauseEntry, task_pauses
from mahaam.redaction.redact import masked_text

from .commands import Commands, operator
from .output import as_json, paper, print_json, row, table
from .parse import moment, span_s
from .queue import queue
from .report import tell

tasks = Commands("tasks", help="See and pause the tasks.")

PAUSE_OPTIONS = (
    click.option("--reason", help="What people read who wonder."),
    click.option("--for", "for_text", metavar="SPAN", help="It goes on by itself after 30m, 2h…"),
    click.option("--until", "until_text", metavar="TIME", help="Or at 2027-01-31T08:00 (UTC)."),
    click.option("--replace", is_flag=True, help="Give a pause that is on this reason and end."),
)


def pause_options(command: Callable[..., None]) -> Callable[..., None]:
    """Return the command with the options of a pause."""
    for option in reversed(PAUSE_OPTIONS):
        command = option(command)
    return command


@queue.add("pause")
@click.argument("names", metavar="QUEUE…", nargs=-1, required=True)
@pause_options
@as_json
def pause_queue(names: tuple[str, ...], is_json: bool, **options: Any) -> None:
    """Start nothing more of QUEUE; what runs finishes."""
    tell(verbs.pause_queues(names, _pause(**options)), _queues_paused, is_json=is_json)


@queue.add("resume")
@click.argument("names", metavar="QUEUE…", nargs=-1, required=True)
@as_json
def resume_queue(names: tuple[str, ...], is_json: bool) -> None:
    """Serve QUEUE again."""
    result = verbs.resume_queues(names, by=operator())
    tell(
        result,
        lambda n: ngettext("%(num)s queue is served again.", "%(num)s queues are served again.", n),
        is_json=is_json,
    )


@tasks.add("list")
@as_json
def list_tasks(is_json: bool) -> None:
    """List the tasks, and which of them are paused."""
    pauses = {pause.task: _shown(pause) for pause in database.repeatable(task_pauses)}
    cards = catalog.all_tasks()
    if is_json:
        print_json([_plain(card, pauses.get(card.name)) for card in cards])
    else:
        _print_tasks(cards, pauses)


@tasks.add("pause")
@click.argument("names", metavar="TASK…", nargs=-1, required=True)
@pause_options
@as_json
def pause_task(names: tuple[str, ...], is_json: bool, **options: Any) -> None:
    """Start no job of TASK; what runs finishes."""
    result = verbs.pause_tasks(names, _pause(**options))
    tell(
        result,
        lambda n: ngettext("%(num)s task is paused.", "%(num)s tasks are paused.", n),
        is_json=is_json,
    )


@tasks.add("resume")
@click.argument("names", metavar="TASK…", nargs=-1, required=True)
@as_json
def resume_task(names: tuple[str, ...], is_json: bool) -> None:
    """Start jobs of TASK again."""
    result = verbs.resume_tasks(names, by=operator())
    tell(
        result,
        lambda n: ngettext("%(num)s task goes on.", "%(num)s tasks go on.", n),
        is_json=is_json,
    )


def _pause(
    reason: str | None, for_text: str | None, until_text: str | None, replace: bool
) -> verbs.Pause:
    return verbs.pause(
        by=operator(),
        reason=reason,
        for_s=span_s("--for", for_text),
        resume_at=moment("--until", until_text),
        replace=replace,
    )


def _queues_paused(count: int) -> str:
    return ngettext("%(num)s queue is paused.", "%(num)s queues are paused.", count)


def _print_tasks(cards: list[TaskCard], pauses: dict[str, TaskPauseEntry]) -> None:
    made = table(
        _("Task"), _("Queue"), _("Priority"), _("Retries"), _("Paused by"), _("Since (UTC)"),
        _("Until (UTC)"), _("Reason"), numbers=(2, 3),
    )  # fmt: skip
    for card in cards:
        pause = pauses.get(card.name)
        cells = (pause.paused_by, pause.paused_at, pause.resume_at, pause.reason) if pause else ()
        row(
            made, card.name, card.job.queue, card.job.priority, card.job.max_retries,
            *(cells or (None, None, None, None)),
        )  # fmt: skip
    paper().print(made)


def _shown(pause: TaskPauseEntry) -> TaskPauseEntry:
    return pause._replace(reason=pause.reason and masked_text(pause.reason, pause.task))


def _plain(card: TaskCard, pause: TaskPauseEntry | None) -> dict[str, Any]:
    return {
        "name": card.name,
        "queue": card.job.queue,
        "priority": card.job.priority,
        "max_retries": card.job.max_retries,
        "timeout_s": card.job.timeout_s,
        "pause": pause and pause._asdict(),
    }
