"""Findings of the overview, which need a person: each rule yields what it finds, the worst first.

A new kind of finding is one function and its row in RULES.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from mahaam.alerts.queries import AlertSummary
from mahaam.overview.overview import Overview
from mahaam.postgres.query_limits import COUNT_LIMIT
from mahaam.redaction.redact import masked_text

from ..web.languages import number, said

BROKEN, LOOK = "red", "orange"  # something does not work; an operator should look
ALONE = 4  # failing tasks that get a finding of their own
OF_A_KIND = 5  # findings of one kind about queues, tasks or workers
WAITS_LONG = timedelta(minutes=5)


@dataclass(frozen=True)
class Finding:
    """What is wrong, with what and since when, and a link to the page with the button that helps.

    `subject` is a name, `detail` a free text.
    """

    level: str
    icon: str
    subject: str
    text: str
    url: str
    button: str
    since: datetime | None = None
    detail: str | None = None


def of(now: Overview, summary: AlertSummary) -> list[Finding]:
    """Return everything that needs a person, broken things first."""
    found = [finding for rule in RULES for finding in _few(rule(now))] + list(alerts(summary))
    return sorted(found, key=lambda finding: finding.level != BROKEN)


def _few(found: Iterator[Finding]) -> Iterator[Finding]:
    """Yield some findings of one kind and how many more there are: nobody reads a thousand of them."""
    entries = list(found)
    # One more finding takes no more room than the one that counts the rest.
    if len(entries) <= OF_A_KIND + 1:
        yield from entries
        return
    yield from entries[:OF_A_KIND]
    more = len(entries) - OF_A_KIND
    next_ = entries[OF_A_KIND]
    yield Finding(
        next_.level, next_.icon, "",
        ngettext("%(count)s more like this.", "%(count)s more like these.", more, count=number(more)),
        url_for("queues.index"), _("Queues"), since=next_.since,
    )  # fmt: skip


def alerts(summary: AlertSummary) -> Iterator[Finding]:
    """Yield findings for open alerts, with the newest of the gravest, and for failed deliveries."""
    if summary.open:
        newest = summary.newest[0]
        yield Finding(
            BROKEN if summary.counts.get("critical") else LOOK, "bell", "",
            ngettext(
                "%(count)s alert is open.", "%(count)s alerts are open.", summary.open,
                count=_bounded(summary.open),
            ),
            url_for("alert.index", state="open"), _("Alerts"),
            since=newest.opened_at, detail=masked_text(said(newest.phrase)),
        )  # fmt: skip
    if summary.failed_deliveries:
        yield Finding(
            BROKEN, "send", "",
            ngettext(
                "%(count)s message could not be delivered in the last day.",
                "%(count)s messages could not be delivered in the last day.",
                summary.failed_deliveries, count=number(summary.failed_deliveries),
            ),
            url_for("channel.index", state="failed"), _("Channels"),
        )  # fmt: skip


def no_worker(now: Overview) -> Iterator[Finding]:
    """Yield a finding when no worker is alive."""
    if not now.live_workers:
        yield Finding(
            BROKEN, "server", "", _("No worker is alive: no job runs."),
            url_for("worker.index"), _("Workers"),
        )  # fmt: skip


def unserved(now: Overview) -> Iterator[Finding]:
    """Yield a finding for each queue in which jobs wait and which no live worker serves."""
    for queue in now.queues:
        if (
            queue.waiting
            and not queue.paused_at
            and now.live_workers
            and not now.servers(queue.name)
        ):
            yield Finding(
                BROKEN, "stack", queue.name, _("No worker serves this queue, and jobs wait in it."),
                url_for("worker.index"), _("Workers"), since=queue.oldest_at,
            )  # fmt: skip


def failing(now: Overview) -> Iterator[Finding]:
    """Yield a finding for each of the tasks that fail most, and one for all other failing tasks."""
    grave = [task for task in now.failing if task.is_grave]
    for task in grave[:ALONE]:
        yield Finding(
            BROKEN,
            "alert-octagon",
            task.task,
            ngettext(
                "Failed %(count)s time in the last hour, %(before)s in the hour before.",
                "Failed %(count)s times in the last hour, %(before)s in the hour before.",
                task.failed,
                count=number(task.failed),
                before=number(task.failed_before),
            ),
            url_for("job.index", state="failed", task=task.task),
            _("Failed jobs"),
            since=task.since,
            detail=task.error and masked_text(task.error, task.task),
        )
    others = len(now.failing) - len(grave[:ALONE])
    if others:
        yield Finding(
            BROKEN if len(grave) > ALONE else LOOK,
            "alert-triangle",
            "",
            ngettext(
                "%(count)s task failed now and then in the last hour.",
                "%(count)s tasks failed now and then in the last hour.",
                others,
                count=number(others),
            )
            if len(grave) <= ALONE
            else ngettext(
                "%(count)s more task fails.",
                "%(count)s more tasks fail.",
                others,
                count=number(others),
            ),
            url_for("admin.index", _anchor="failing"),
            _("Show"),
        )


def slow(now: Overview) -> Iterator[Finding]:
    """Yield a finding for each served queue in which jobs have waited for a long time."""
    for queue in now.queues:
        oldest = now.oldest(queue)
        if oldest and oldest >= WAITS_LONG and not queue.paused_at and now.servers(queue.name):
            yield Finding(
                LOOK, "hourglass", queue.name, _waiting(queue.waiting),
                url_for("queues.details", subject=queue.name), _("Queue"), since=queue.oldest_at,
            )  # fmt: skip


def paused(now: Overview) -> Iterator[Finding]:
    """Yield a finding for each paused queue and each paused task."""
    for queue in now.queues:
        if queue.paused_at:
            yield Finding(
                LOOK, "player-pause", queue.name,
                _("This queue is paused by %(who)s.", who=queue.paused_by),
                url_for("queues.resume", subject=queue.name), _("Resume…"),
                since=queue.paused_at, detail=queue.pause_reason and masked_text(queue.pause_reason),
            )  # fmt: skip
    for task in now.paused_tasks:
        yield Finding(
            LOOK, "player-pause", task.task, _("This task is paused by %(who)s.", who=task.paused_by),
            url_for("task.resume", subject=task.task), _("Resume…"),
            since=task.paused_at, detail=task.reason and masked_text(task.reason, task.task),
        )  # fmt: skip


def schedules(now: Overview) -> Iterator[Finding]:
    """Yield findings for schedules that cannot fire, and for those that are due and were not fired."""
    for trouble in now.schedules:
        words = SCHEDULES[trouble.state]
        is_one = trouble.count == 1
        yield Finding(
            BROKEN, "calendar-time", trouble.name if is_one else "", words(trouble.count),
            url_for("schedule.details", id=trouble.id)
            if is_one
            else url_for("schedule.index", state=trouble.state),
            _("Schedule") if is_one else _("Schedules"), since=trouble.since,
        )  # fmt: skip


def stalled_operations(now: Overview) -> Iterator[Finding]:
    """Yield a finding for the operations that make no progress although their next batch is due."""
    if now.stalled and now.live_workers:
        first, is_one = now.stalled[0], len(now.stalled) == 1
        yield Finding(
            BROKEN, "stack-2", _("Operation %(id)s", id=first.id) if is_one else "",
            ngettext(
                "This operation does not move. Perhaps somebody holds a lock.",
                "%(count)s operations do not move. Perhaps somebody holds a lock.",
                len(now.stalled), count=number(len(now.stalled)),
            ),
            url_for("operation.details", id=first.id) if is_one else url_for("operation.index"),
            _("Operation") if is_one else _("Operations"), since=first.moved_at,
        )  # fmt: skip


def put_aside(now: Overview) -> Iterator[Finding]:
    """Yield a finding if there are rows that a loop could not handle."""
    if now.aside.rows:
        yield Finding(
            BROKEN, "alert-triangle", "",
            ngettext(
                "%(count)s row could not be handled and is put aside.",
                "%(count)s rows could not be handled and are put aside.",
                now.aside.rows, count=number(now.aside.rows),
            ),
            url_for("set_aside.index"), _("Put aside"), since=now.aside.since,
        )  # fmt: skip


def unknown_tasks(now: Overview) -> Iterator[Finding]:
    """Yield a finding for each task that has waiting jobs and that no live worker knows."""
    for unknown in now.unknown:
        yield Finding(
            BROKEN, "puzzle", unknown.task,
            _("No live worker knows this task. Its jobs wait for one, then they fail."),
            url_for("job.index", task=unknown.task), _("Jobs"), since=unknown.since,
        )  # fmt: skip


def lost_workers(now: Overview) -> Iterator[Finding]:
    """Yield a finding for each lost worker. Its jobs run elsewhere."""
    for worker in now.lost_workers:
        yield Finding(
            LOOK, "server", f"{worker.host}:{worker.pid}",
            _("This worker was lost. Its jobs are run by others."),
            url_for("worker.index"), _("Workers"), since=worker.beat_at,
        )  # fmt: skip


def open_letters(now: Overview) -> Iterator[Finding]:
    """Yield a finding if there are open dead letters: final failures that nobody has dealt with."""
    if now.open_letters:
        yield Finding(
            LOOK, "mail-x", "",
            ngettext(
                "%(count)s dead letter is open.",
                "%(count)s dead letters are open.",
                now.open_letters,
                count=_bounded(now.open_letters),
            ),
            url_for("deadletterqueue.index", reprocessed="no", resolved="no"), _("Dead letters"),
        )  # fmt: skip


RULES: tuple[Callable[[Overview], Iterator[Finding]], ...] = (
    no_worker,
    unserved,
    failing,
    slow,
    schedules,
    paused,
    stalled_operations,
    put_aside,
    unknown_tasks,
    lost_workers,
    open_letters,
)


def _broken(count: int) -> str:
    return ngettext(
        "This schedule is broken: it fires no more.",
        "%(shown)s schedules are broken: they fire no more.",
        count,
        shown=_bounded(count),
    )


def _overdue(count: int) -> str:
    return ngettext(
        "This schedule is overdue: its time came and nobody fired it.",
        "%(shown)s schedules are overdue: their time came and nobody fired them.",
        count,
        shown=_bounded(count),
    )


SCHEDULES: dict[str, Callable[[int], str]] = {"broken": _broken, "overdue": _overdue}


def _waiting(count: int) -> str:
    return ngettext(
        "%(count)s job waits, longer than it should.",
        "%(count)s jobs wait, the oldest longer than it should.",
        count,
        count=_bounded(count),
    )


def _bounded(count: int) -> str:
    return f"{number(min(count, COUNT_LIMIT))}{'+' if count > COUNT_LIMIT else ''}"
