"""`flask jobs create | create-many | edit`: creates and edits jobs from the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TextIO

import click
from flask_babel import gettext as _
from flask_babel import ngettext
from tqdm import tqdm

from mahaam import verbs
from mahaam.audit.record import AuditRecord, note
from mahaam.core import strict_json
from mahaam.core.strict_json import JsonNotValid
from mahaam.enqueuing import catalog
from mahaam.enqueuing.enqueue import Enqueued, enqueue, enqueue_many

from ..forms.kinds import INTEGER, NUMBER, TEXT, FieldType
from ..forms.options import WORDS, OptionWords
from ..web.languages import number, said
from .commands import BadInput, Commands, operator
from .output import as_json, print_json, word
from .parse import job_id
from .report import tell

Command = Callable[[Callable[..., None]], Callable[..., None]]
Arguments = tuple[tuple[Any, ...], dict[str, Any]]

FLAGS: dict[FieldType, dict[str, Any]] = {
    TEXT: {"type": str},
    INTEGER: {"type": int},
    NUMBER: {"type": float, "metavar": "SECONDS"},
}


def option_flags(options: Iterable[OptionWords], *, by_field: bool = False) -> Command:
    """Return a decorator that gives a command a flag for each option of a job.

    The command gets them under the names of `enqueue`, or with `by_field` under those of NewJob.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        for words in reversed([words for words in options if words.help]):
            name = words.option.name
            flag = f"--{name.replace('_', '-')}"
            target = words.field if by_field else name
            command = click.option(flag, target, help=words.help, **FLAGS[words.kind])(command)
        return command

    return decorate


jobs = Commands("jobs", help="Make, change, stop and read jobs.")


@jobs.add("create")
@click.argument("task")
@click.option("--args", "args_text", metavar="JSON", help="Arguments: a list or an object.")
@click.option("--kwargs", "kwargs_text", metavar="JSON", help="Arguments by name: an object.")
@option_flags(WORDS)
@as_json
def create(
    task: str, args_text: str | None, kwargs_text: str | None, is_json: bool, **options: Any
) -> None:
    """Make a job of TASK, such as tasks.demo.echo."""
    args, kwargs = _arguments(args_text, kwargs_text)
    _check(task, args, kwargs)
    made = enqueue(task, args, kwargs, created_by=operator(), **options)
    if not made.deduplicated:
        note(
            AuditRecord(
                actor=operator(),
                verb="create",
                kind="job",
                targets=[str(made.id)],
                after={"task": task},
            )
        )
    if is_json:
        print_json(made)
    else:
        click.echo(_sentence(made))


@jobs.add("create-many")
@click.argument("task")
@click.argument("file", type=click.File(encoding="utf-8"))
@option_flags(words for words in WORDS if words.field != "dedupe_key")
@as_json
def create_many(task: str, file: TextIO, is_json: bool, **options: Any) -> None:
    """Make a job of TASK for each line of FILE (- for standard input), all or none.

    A line is the arguments of one call as JSON: a list, or an object of arguments by name. A bar
    shows how far it has come.
    """
    with tqdm(unit=" jobs", disable=None) as bar:  # None: without a terminal, nothing is drawn
        count = enqueue_many(
            task, _calls(file), progress=bar.update, created_by=operator(), **options
        )
    event = AuditRecord(
        actor=operator(), verb="create", kind="job", targets=[], count=count, after={"task": task}
    )
    note(event)
    if is_json:
        print_json({"count": count})
    else:
        click.echo(
            ngettext(
                "%(count)s job was made.", "%(count)s jobs were made.", count, count=number(count)
            )
        )


@jobs.add("edit")
@click.argument("job", metavar="ID")
@click.option("--args", "args_text", metavar="JSON", help="Other arguments: a list.")
@click.option("--kwargs", "kwargs_text", metavar="JSON", help="Others by name: an object.")
@as_json
def edit(job: str, args_text: str | None, kwargs_text: str | None, is_json: bool) -> None:
    """Give a job other arguments; one that has ended is queued again."""
    args = parsed("--args", args_text, (list,), _("a list"))
    kwargs = parsed("--kwargs", kwargs_text, (dict,), _("an object"))
    if args is None and kwargs is None:
        raise BadInput(_("Say --args, --kwargs or both."))
    result = verbs.edit(job_id(job), args=args, kwargs=kwargs, by=operator())
    tell(
        result,
        lambda n: ngettext("%(num)s job was edited.", "%(num)s jobs were edited.", n),
        is_json=is_json,
    )


def _calls(file: TextIO) -> Iterator[tuple[Any, ...] | dict[str, Any]]:
    for place, line in enumerate(file, 1):
        if line.strip():
            name = _("Line %(place)s", place=place)
            call = parsed(name, line.strip(), (list, dict), _("a list or an object"))
            yield tuple(call) if isinstance(call, list) else call


def _arguments(args_text: str | None, kwargs_text: str | None) -> Arguments:
    given = parsed("--args", args_text, (list, dict), _("a list or an object"))
    named = parsed("--kwargs", kwargs_text, (dict,), _("an object"))
    if isinstance(given, list):
        return tuple(given), named or {}
    if given is not None and named is not None:
        raise BadInput(_("--args is an object already; leave --kwargs out."))
    return (), given or named or {}


def parsed(option: str, text: str | None, kinds: tuple[type, ...], wanted: str) -> Any:
    """Return the JSON of an option, which is of one of `kinds`. None stays None. Raises BadInput."""
    if text is None:
        return None
    try:
        value = strict_json.parse(text)
    except JsonNotValid as fault:
        raise BadInput(f"{option}: {said(fault.phrase)}") from None
    if not isinstance(value, kinds):
        raise BadInput(
            _("%(option)s must be %(wanted)s in JSON; it is %(found)s.",
              option=option, wanted=wanted, found=text[:80])
        )  # fmt: skip
    return value


def _check(task: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    try:
        catalog.find(task).check(args, kwargs)
    except TypeError as fault:
        message = _("%(task)s cannot be called so: %(why)s.", task=task, why=fault)
        raise BadInput(message) from None


def _sentence(made: Enqueued) -> str:
    if made.deduplicated:
        return _(
            "Job %(id)s, which is %(state)s, has this key; no second one was made.",
            id=made.id, state=word(made.state),
        )  # fmt: skip
    return _("Job %(id)s is %(state)s.", id=made.id, state=word(made.state))
