"""Output of commands: tables for people, JSON for programs, and no escape codes from the data."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from mahaam.core.plain_text import in_json, in_lines, in_one_line
from mahaam.redaction.redact import masked_data_for_log, masked_for_log

from ..present import badges

WIDTH = 160
UNITS = ((86400, "d"), (3600, "h"), (60, "min"))

as_json = click.option("--json", "is_json", is_flag=True, help="Print JSON.")


def paper() -> Console:
    """Return the terminal, or a console of fixed width for a file."""
    console = Console(markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = WIDTH
    return console


def table(*columns: str, title: str | None = None, numbers: Iterable[int] = ()) -> Table:
    """Return an empty table. The columns at the positions `numbers` are aligned to the right."""
    right = frozenset(numbers)
    made = Table(title=title, title_justify="left")
    for place, name in enumerate(columns):
        made.add_column(name, justify="right" if place in right else "left", overflow="fold")
    return made


def row(made: Table, *cells: object) -> None:
    """Add a row. None becomes a dash."""
    made.add_row(*(in_one_line(plain(cell)) for cell in cells))


def plain(value: object) -> str:
    """Return `value` as text without secrets and without control codes for a terminal."""
    if value is None:
        return "–"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    return in_lines(masked_for_log(str(value)))


def word(state: str) -> str:
    """Return the label of a job's state or an attempt's outcome."""
    return str(badges.ATTEMPT[state].word)


def span(length: timedelta | float | None) -> str:
    """Return a length of time (a number is in seconds) in a unit that fits it."""
    if length is None:
        return "–"
    seconds = length.total_seconds() if isinstance(length, timedelta) else length
    for size, unit in UNITS:
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def megabytes(size_bytes: int | None) -> str | None:
    """Return a size in MB, or None."""
    return None if size_bytes is None else f"{size_bytes / 1e6:.0f} MB"


def print_json(value: Any) -> None:
    """Print `value` as JSON. It consists of plain data, dataclasses, times and UUIDs."""
    click.echo(as_text(value, indent=2))


def as_text(value: Any, *, indent: int | None = None) -> str:
    """Return `value` as JSON without secrets and without control codes for a terminal."""
    plain_data = json.loads(json.dumps(value, default=jsonable, ensure_ascii=False))
    return in_json(json.dumps(masked_data_for_log(plain_data), indent=indent, ensure_ascii=False))


def jsonable(value: Any) -> Any:
    """Return what JSON lacks: times as ISO 8601 in UTC, dataclasses as objects, the rest as text."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return str(value)
