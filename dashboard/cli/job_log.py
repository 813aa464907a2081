"""`flask jobs logs`: the log of a job, also while the job runs."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC
from uuid import UUID

import click
from flask_babel import gettext as _

from mahaam.core.plain_text import in_one_line
from mahaam.jobs.states import FINAL
from mahaam.queries.job_list import find_job
from mahaam.queries.logs import BEGINNING, LogEntry, LogPosition, lines_after
from mahaam.redaction.redact import masked_text

from .commands import Refusal, read
from .jobs import jobs
from .output import as_json, as_text, plain
from .parse import job_id

LEVELS = ("debug", "info", "warning", "error", "critical")
LOOK_EVERY_S = 0.5
LAST_WORDS_S = 1.0  # what a job logged before its end is written within this time


@jobs.add("logs")
@click.argument("job", metavar="ID")
@click.option("--attempt", type=click.IntRange(min=1), metavar="N", help="Of this attempt alone.")
@click.option("--level", type=click.Choice(LEVELS), default="debug", help="From this level on.")
@click.option("--follow", is_flag=True, help="Go on until the job has ended; Ctrl-C ends it.")
@as_json
def logs(job: str, attempt: int | None, level: str, follow: bool, is_json: bool) -> None:
    """Print the log lines of a job. With --json, print one object per line."""
    wanted = job_id(job)
    job_row = read(find_job, wanted)
    if job_row is None:
        raise Refusal(_("No job %(id)s exists.", id=wanted))
    number = logging.getLevelNamesMapping()[level.upper()] if level != LEVELS[0] else 0
    lines = _followed(wanted, attempt, number) if follow else _written(wanted, attempt, number)
    lines = (replace(line, message=masked_text(line.message, job_row.task)) for line in lines)
    try:
        _print(lines, is_json=is_json)
    except KeyboardInterrupt:
        return


def _written(
    wanted: UUID, attempt: int | None, level: int, *, after: LogPosition = BEGINNING
) -> Iterator[LogEntry]:
    """Yield the log lines that are already written."""
    while page := read(lines_after, wanted, after, attempt=attempt, level=level):
        yield from page
        after = page[-1].place


def _followed(wanted: UUID, attempt: int | None, level: int) -> Iterator[LogEntry]:
    """Yield the written lines and then new ones, until a moment after the job's end."""
    after, ended_at = BEGINNING, None
    while ended_at is None or time.monotonic() < ended_at + LAST_WORDS_S:
        for line in _written(wanted, attempt, level, after=after):
            after = line.place
            yield line
        if ended_at is None and _has_ended(wanted):
            ended_at = time.monotonic()
        time.sleep(LOOK_EVERY_S)
    yield from _written(wanted, attempt, level, after=after)


def _has_ended(wanted: UUID) -> bool:
    job = read(find_job, wanted)
    return job is None or job.state in FINAL


def _print(lines: Iterator[LogEntry], *, is_json: bool) -> None:
    attempt = 1
    for line in lines:
        if is_json:
            click.echo(as_text(asdict(line)))
            continue
        if line.attempt != attempt:
            attempt = line.attempt
            click.echo(_("Attempt %(number)s", number=attempt))
        click.echo(_words(line))


def _words(line: LogEntry) -> str:
    at = f"{line.said_at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3]
    who = f" {in_one_line(plain(line.logger))}" if line.logger else ""
    return f"{at} {line.level_name:<8}{who} {in_one_line(line.message)}"
