"""`flask schedule`: what runs when, one pass for a crontab, and a scheduler process."""

from __future__ import annotations

import time
from typing import Any

import click
from flask_babel import gettext as _
from flask_babel import ngettext

from mahaam import verbs
from mahaam.core.errors import DatabaseUnavailable
from mahaam.postgres.paging import PageCursor
from mahaam.redaction.redact import masked_call
from mahaam.schedules import firing
from mahaam.schedules.queries import ScheduleEntry, fire_page, schedule_named, schedule_page
from mahaam.schedules.queries import schedule as schedule_of
from mahaam.schedules.rules.previews import previews
from mahaam.schedules.sync import sync_schedules
from mahaam.verbs import VerbResult

from ..actions import direct
from ..forms.options import OF_SCHEDULES
from ..present import badges
from ..present.schedule_text import in_words
from .commands import BadInput, Commands, Refusal, operator, read
from .direct import add
from .jobs import option_flags, parsed
from .output import as_json, as_text, paper, print_json, row, table
from .parse import moment

TICK_S = 0.1
MOST_NEXT = 1000

schedules = Commands("schedule", help="See, run and change what runs when.")
name_argument = click.argument("name", metavar="NAME")


@schedules.add("list")
@click.option("--limit", type=click.IntRange(1, 10_000), default=200, show_default=True)
@as_json
def list_(limit: int, is_json: bool) -> None:
    """List the schedules, newest first."""
    sync_schedules()
    found = read(schedule_page, cursor=PageCursor(size=limit)).entries
    if is_json:
        print_json([_plain(entry) for entry in found])
    elif found:
        _print_list(found)
    else:
        click.echo(_("There is no schedule."))


@schedules.add("run")
@as_json
def run(is_json: bool) -> None:
    """Fire what is due, once: for a crontab that calls this every minute."""
    sync_schedules()
    count = _tick()
    if is_json:
        print_json({"jobs": count})
    else:
        click.echo(ngettext("%(num)s job was made.", "%(num)s jobs were made.", count))


@schedules.add("work")
@click.option("--max-time", type=click.FloatRange(min=0), help="End after so many seconds.")
def work(max_time: float | None) -> None:
    """Fire what is due until stopped. Consumers do so as well."""
    sync_schedules()
    click.echo(_("Firing schedules. Ctrl-C ends it."))
    end_at = None if max_time is None else time.monotonic() + max_time
    try:
        while end_at is None or time.monotonic() < end_at:
            _tick_or_wait()
    except KeyboardInterrupt:
        click.echo(_("Ended."))


@schedules.add("show")
@name_argument
@as_json
def show(name: str, is_json: bool) -> None:
    """Show a schedule, its next times, and what became of the last ones."""
    entry = _found(name)
    upcoming = previews(entry.spec, entry.at, 5)
    fires = read(fire_page, entry.id, size=10)
    if is_json:
        print_json({**_plain(entry), "next": [run.at for run in upcoming], "fires": fires})
        return
    _print_facts(entry)
    made = table(_("Due (UTC)"), _("What became of it"), _("Job"), title=_("History"))
    for fire in fires:
        row(made, fire.fire_at, _became(fire.job_state or fire.state, fire.reason), fire.job_id)
    paper().print(made)


@schedules.add("next")
@name_argument
@click.option("--count", type=click.IntRange(1, MOST_NEXT), default=10, show_default=True)
@as_json
def next_(name: str, count: int, is_json: bool) -> None:
    """Tell when a schedule runs next, in its own zone and in UTC."""
    entry = _found(name)
    upcoming = previews(entry.spec, entry.at, count)
    if is_json:
        print_json(
            [
                {"at": run.at, "local": run.local.isoformat(), "changes": run.is_changed}
                for run in upcoming
            ]
        )
        return
    made = table(_("UTC"), entry.timezone, _("Clocks change"))
    for run in upcoming:
        row(made, run.at, f"{run.local:%Y-%m-%d %H:%M:%S %z}", _("yes") if run.is_changed else "")
    paper().print(made)


@schedules.add("create")
@name_argument
@click.argument("task", metavar="TASK")
@click.option("--cron", help='Five fields, such as "0 2 * * *", or @daily.')
@click.option("--every", "every_s", type=int, metavar="SECONDS", help="Or every so many seconds.")
@click.option("--at", "at_text", metavar="TIME", help="Or once, at 2027-01-31T08:00 (UTC).")
@click.option("--timezone", default="UTC", show_default=True)
@click.option(
    "--kwargs", "kwargs_text", default="{}", help="The task's arguments as a JSON object."
)
@click.option("--definition", help="A definition, whose arguments count where none are given.")
@option_flags(OF_SCHEDULES, by_field=True)
@click.option("--missed", type=click.Choice(["skip", "once", "all"]), default="once")
@click.option("--overlap", type=click.Choice(["allow", "skip", "queue"]), default="allow")
@as_json
def create(
    name: str, task: str, every_s: int | None, at_text: str | None, kwargs_text: str, is_json: bool,
    **more: Any,
) -> None:  # fmt: skip
    """Make a schedule of TASK."""
    when = {"cron": more.pop("cron"), "every_s": every_s, "run_at": moment("--at", at_text)}
    given = {field: value for field, value in when.items() if value is not None}
    if len(given) != 1:
        raise BadInput(_("Give one of --cron, --every and --at."))
    kind = {"cron": "cron", "every_s": "interval", "run_at": "once"}[next(iter(given))]
    fields = {
        "name": name,
        "task": task,
        "kind": kind,
        "kwargs": _kwargs(kwargs_text),
        **given,
        **more,
    }
    id_ = verbs.create_schedule(fields, by=operator())
    if is_json:
        print_json({"id": id_})
    else:
        _print_facts(_found(name))


def _kwargs(text: str) -> Any:
    return parsed("--kwargs", text, (dict,), _("an object"))


def _tick() -> int:
    """Fire until nothing is due that can be fired here. Return the number of jobs that were made."""
    count = 0
    while True:
        notices, is_more = firing.fire_due()
        notices += firing.release()
        firing.ring(notices)
        count += len(notices)
        if not is_more:
            return count


def _tick_or_wait() -> None:
    try:
        _tick()
    except DatabaseUnavailable as fault:
        click.echo(str(fault), err=True)
        time.sleep(1)
    time.sleep(TICK_S)


def _found(name: str) -> ScheduleEntry:
    entry = read(schedule_named, name)
    if entry is None and name.isdigit() and len(name) < 19:
        entry = read(schedule_of, int(name))
    if entry is None:
        raise Refusal(_("There is no schedule %(name)s.", name=repr(name[:100])))
    return entry


def _id(name: str) -> int:
    return _found(name).id


def _made(result: VerbResult) -> dict[str, Any]:
    return {"jobs": [str(job) for job in result.made.values()]}


for action in direct.SCHEDULE:
    more: dict[str, Any] = {"facts": _made} if action.name == "run" else {}
    add(schedules, action, _id, metavar="NAME…", is_asked=action.name == "delete", **more)


def _plain(entry: ScheduleEntry) -> dict[str, Any]:
    args, kwargs = masked_call(entry.args, entry.kwargs, entry.task)
    return {
        "id": entry.id, "name": entry.name, "task": entry.task, "state": entry.state,
        "kind": entry.kind, "run_at": entry.run_at, "every_s": entry.every_s, "cron": entry.cron,
        "timezone": entry.timezone, "starts_at": entry.starts_at, "ends_at": entry.ends_at,
        "args": args, "kwargs": kwargs,
        **{words.field: entry.job_options.get(words.field) for words in OF_SCHEDULES},
        "missed": entry.missed, "missed_limit": entry.missed_limit,
        "overlap": entry.overlap, "next_run_at": entry.next_run_at, "last_fire_at": entry.last_fire_at,
        "last_success_at": entry.last_success_at, "disabled_reason": entry.disabled_reason,
        "in_words": str(in_words(entry.spec)), "is_of_code": entry.code is not None,
        "differs_from_code": bool(entry.differences),
    }  # fmt: skip


def _print_list(found: tuple[ScheduleEntry, ...]) -> None:
    made = table(
        _("Schedule"), _("Task"), _("When"), _("Zone"), _("State"), _("Next (UTC)"),
        _("Last success (UTC)"),
    )  # fmt: skip
    for entry in found:
        row(
            made, entry.name, entry.task, in_words(entry.spec), entry.timezone,
            badges.SCHEDULE[entry.state].word, entry.next_run_at, entry.last_success_at,
        )  # fmt: skip
    paper().print(made)


def _print_facts(entry: ScheduleEntry) -> None:
    made = table("", "", title=entry.name)
    arguments = masked_call(entry.args, entry.kwargs, entry.task)
    facts = (
        (_("Task"), entry.task),
        (_("When"), in_words(entry.spec)),
        (_("Zone"), entry.timezone),
        (_("State"), badges.SCHEDULE[entry.state].word),
        (_("Arguments"), as_text(arguments)),
        (_("Next (UTC)"), entry.next_run_at),
        (_("Last success (UTC)"), entry.last_success_at),
        (_("Reason"), entry.disabled_reason),
    )
    for name, value in facts:
        row(made, name, value)
    paper().print(made)


def _became(state: str, reason: str | None) -> str:
    word = badges.FIRE[state].word if state in badges.FIRE else badges.ATTEMPT[state].word
    return f"{word} ({badges.REASONS[reason]})" if reason in badges.REASONS else str(word)
