"""Jobs as a file that is written while it is downloaded, so that a million rows need no memory."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from flask import Response

from mahaam.postgres import database
from mahaam.queries.exports import COLUMNS, rows_below
from mahaam.redaction.redact import masked, masked_call, masked_text
from mahaam.search.job_filter import JobFilter

Row = dict[str, Any]
MARK = "\ufeff"  # by which spreadsheets know UTF-8
PART_CHARACTERS = 65_536
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # with these a formula begins in a spreadsheet


def download(wanted: JobFilter, *, form: str) -> Response:
    """Return the jobs that match as a `csv` or `json` file."""
    write, kind = FORMS[form]
    name = f"jobs-{datetime.now(UTC):%Y-%m-%d-%H%M%S}.{form}"
    return Response(
        write(_rows(wanted)),
        content_type=kind,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _rows(wanted: JobFilter) -> Iterator[Row]:
    """Yield all rows that match, newest first, without secrets.

    Rows are fetched some hundred at a time, each time in a transaction of its own: a slow download
    holds no snapshot back from the vacuum, and no connection from others.
    """
    below = None
    while True:
        with database.transaction() as cursor:
            rows, below = rows_below(cursor, wanted, below=below)
        for row in rows:
            yield _masked(row)
            time.sleep(0)  # let other requests run
        if below is None:
            return


def _masked(row: Row) -> Row:
    """Return the row without secrets."""
    task, error = row["task"], row["error"]
    args, kwargs = masked_call(row["args"], row["kwargs"], task)
    return row | {
        "args": args,
        "kwargs": kwargs,
        "result": masked(row["result"], task),
        "error": error and masked_text(error, task),
        "tags": row["tags"] and [masked_text(tag, task) for tag in row["tags"]],
    }


def _as_csv(rows: Iterator[Row]) -> Iterator[str]:
    yield MARK + _line(COLUMNS)
    yield from _in_parts(_line([_cell(row[name]) for name in COLUMNS]) for row in rows)


def _as_json(rows: Iterator[Row]) -> Iterator[str]:
    lines = (json.dumps(row, ensure_ascii=False) for row in rows)
    first = next(lines, None)
    if first is None:
        yield "[]\n"
        return
    yield f"[\n{first}"
    yield from _in_parts(f",\n{line}" for line in lines)
    yield "\n]\n"


def _in_parts(lines: Iterator[str]) -> Iterator[str]:
    """Yield the lines in parts. Parts are small, so that little is made ahead of an abandoned download."""
    part, size = [], 0
    for line in lines:
        part.append(line)
        size += len(line)
        if size >= PART_CHARACTERS:
            yield "".join(part)
            part, size = [], 0
    if part:
        yield "".join(part)


def _line(cells: Iterable[Any]) -> str:
    paper = io.StringIO()
    csv.writer(paper).writerow(cells)
    return paper.getvalue()


def _cell(value: Any) -> Any:
    """Return `value` so that a spreadsheet takes it for text, never for a formula."""
    if isinstance(value, list | dict):
        value = json.dumps(value, ensure_ascii=False)
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


FORMS: dict[str, tuple[Callable[[Iterator[Row]], Iterator[str]], str]] = {
    "csv": (_as_csv, "text/csv; charset=utf-8"),
    "json": (_as_json, "application/json"),
}
