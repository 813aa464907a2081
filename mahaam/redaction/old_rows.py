"""Masking of secrets in rows that were written before their names were to be hidden.

One scan for all consumers, from the newest row to the oldest, part by part. A step is one
transaction, so the scan can be stopped at any moment and continues where it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from mahaam.postgres.database import Cursor
from mahaam.redaction.redact import masked_for_all, masked_text, shown_call

# By then all writers know the names, so that nothing unmasked is written behind the scan.
SETTLING_S = 15

BEGIN = """
INSERT INTO mask_walk (names, part) VALUES (%(names)s, 'failure')
ON CONFLICT (is_only) DO UPDATE
SET names = ARRAY(SELECT DISTINCT unnest(mask_walk.names || excluded.names) ORDER BY 1), part = 'failure',
    below = NULL, count = 0, began_at = now(), ended_at = NULL
WHERE NOT mask_walk.names @> excluded.names
RETURNING true
"""
TAKE = f"""
SELECT part, below FROM mask_walk
WHERE ended_at IS NULL AND began_at < now() - interval '{SETTLING_S} seconds' FOR UPDATE SKIP LOCKED
"""
GO_ON = """
UPDATE mask_walk SET part = %(part)s, below = %(below)s, count = count + %(count)s,
                     ended_at = CASE WHEN %(is_over)s THEN now() END
RETURNING count
"""

# A row that another process has changed meanwhile was masked by that process. Index: job_pkey.
JOBS = """
SELECT id::text, task, args::text, kwargs::text, error, shown::text FROM job
WHERE %(below)s::uuid IS NULL OR id < %(below)s::uuid ORDER BY id DESC LIMIT %(limit)s
"""
HIDE_IN_JOBS = """
UPDATE job SET shown = new.shown, error = new.error
FROM unnest(%(ids)s::uuid[], %(args)s::jsonb[], %(kwargs)s::jsonb[], %(errors)s::text[], %(shown)s::jsonb[],
            %(masked)s::text[]) AS new(id, args, kwargs, old_error, shown, error)
WHERE job.id = new.id AND job.args = new.args AND job.kwargs = new.kwargs
  AND job.error IS NOT DISTINCT FROM new.old_error
"""
ATTEMPTS = """
SELECT job_id::text, number, error_message FROM attempt
WHERE job_id = ANY(%(ids)s::uuid[]) AND error_message IS NOT NULL
"""
HIDE_IN_ATTEMPTS = """
UPDATE attempt SET error_message = new.message
FROM unnest(%(ids)s::uuid[], %(numbers)s::int[], %(masked)s::text[]) AS new(id, number, message)
WHERE job_id = new.id AND attempt.number = new.number
"""


class MaskBatch(NamedTuple):
    """How many rows were changed by the scan so far, and whether it is over."""

    changed: int
    is_over: bool


class MaskColumn(NamedTuple):
    """The columns of a table that hold messages, and its column of the task whose secrets they hold."""

    columns: tuple[str, ...]
    task: str | None


PARTS = ("failure", "error_group", "dead_letter", "job")
MESSAGES = {
    "failure": MaskColumn(("message",), "task"),
    "error_group": MaskColumn(("message",), None),
    "dead_letter": MaskColumn(("error_message", "first_error_message"), "task"),
}


def begin(cursor: Cursor, names: Sequence[str]) -> bool:
    """Start a new scan when `names` are to be hidden that no scan was about.

    Return True if it was started.
    """
    cursor.execute(BEGIN, {"names": list(names)})
    return cursor.fetchone() is not None


def step(cursor: Cursor, *, limit: int) -> MaskBatch | None:
    """Scan the next rows, at most `limit`, in a transaction. Return the progress.

    None: another consumer scans, or the scan is over.
    """
    cursor.execute(TAKE)
    row = cursor.fetchone()
    if row is None:
        return None
    part, below = row
    work: Callable[..., tuple[str | None, int]] = _jobs if part == "job" else _messages
    last, count = work(cursor, part, below, limit)
    is_over = last is None and part == PARTS[-1]
    if last is None and not is_over:
        part = PARTS[PARTS.index(part) + 1]
    cursor.execute(GO_ON, {"part": part, "below": last, "count": count, "is_over": is_over})
    written = cursor.fetchone()
    return MaskBatch(written[0] if written else 0, is_over)


def _jobs(cursor: Cursor, _part: str, below: str | None, limit: int) -> tuple[str | None, int]:
    """Mask the searchable columns of the next jobs.

    Return the last of them (None: no more), and how many were changed.
    """
    cursor.execute(JOBS, {"below": below, "limit": limit})
    rows = cursor.fetchall()
    changed = [new for row in rows if (new := _hidden_job(*row)) is not None]
    if changed:
        names = ("ids", "args", "kwargs", "errors", "shown", "masked")
        cursor.execute(
            HIDE_IN_JOBS, dict(zip(names, map(list, zip(*changed, strict=True)), strict=True))
        )
    tasks = {row[0]: row[1] for row in rows}
    _attempts(cursor, tasks)
    return (rows[-1][0] if len(rows) == limit else None), len(changed)


def _hidden_job(
    id_: str, task: str, args: str, kwargs: str, error: str | None, known: str | None
) -> tuple[Any, ...] | None:
    """Return the values of HIDE_IN_JOBS, or None when the row may stay as it is."""
    shown = shown_call(_compact(args), _compact(kwargs), task)
    masked = error and masked_text(error, task)
    if masked == error and shown is None and known is None:
        return None
    return id_, args, kwargs, error, shown, masked


def _compact(text: str) -> str:
    """Return JSON as it was before PostgreSQL put gaps behind colons and commas."""
    return (
        text
        if len(text) == 2
        else json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"))
    )


def _attempts(cursor: Cursor, tasks: dict[str, str]) -> None:
    cursor.execute(ATTEMPTS, {"ids": list(tasks)})
    changed = [
        (id_, number, masked)
        for id_, number, message in cursor.fetchall()
        if (masked := masked_text(message, tasks[id_])) != message
    ]
    if changed:
        columns = map(list, zip(*changed, strict=True))
        cursor.execute(
            HIDE_IN_ATTEMPTS, dict(zip(("ids", "numbers", "masked"), columns, strict=True))
        )


def _messages(cursor: Cursor, part: str, below: str | None, limit: int) -> tuple[str | None, int]:
    """Mask the messages of the next rows of a table.

    Return the last of them (None: no more), and how many were changed.
    """
    columns, task = MESSAGES[part]
    cursor.execute(
        f"SELECT id, {task or 'NULL'}, {', '.join(columns)} FROM {part}"
        f" WHERE %(below)s::bigint IS NULL OR id < %(below)s::bigint ORDER BY id DESC LIMIT %(limit)s",
        {"below": below, "limit": limit},
    )
    rows = cursor.fetchall()
    count = 0
    for id_, task_name, *messages in rows:
        masked = [_masked(message, task_name) for message in messages]
        if masked != messages:
            assignments = ", ".join(f"{column} = %s" for column in columns)
            cursor.execute(f"UPDATE {part} SET {assignments} WHERE id = %s", [*masked, id_])
            count += 1
    return (str(rows[-1][0]) if len(rows) == limit else None), count


def _masked(message: str | None, task: str | None) -> str | None:
    if message is None:
        return None
    return masked_text(message, task) if task else masked_for_all(message)
