"""The arguments of jobs: reading them, changing them, copying them to a new job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mahaam.jobs.job_columns import OF_COPY, each, insert
from mahaam.jobs.notice import Notice
from mahaam.jobs.states import Event, sources
from mahaam.postgres.database import Cursor


class Contents(NamedTuple):
    """A job's task and, as JSON, its arguments and options."""

    id: str
    task: str
    args: str
    kwargs: str
    options: str | None


# Index: job_pkey.
READ = """
SELECT id::text, task, args::text, kwargs::text, options::text FROM job
WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id
"""

EDIT = """
UPDATE job SET args = coalesce(%(args)s::jsonb, args), kwargs = coalesce(%(kwargs)s::jsonb, kwargs),
  shown = %(shown)s
WHERE id = %(id)s AND state = ANY(%(sources)s)
RETURNING id
"""

# Repeated with the same new ids, the statement inserts nothing.
VALUES = each(OF_COPY, "job.{}") | {
    "id": "copy.id",
    "options": "copy.options",
    "state": "'queued'",
    "queued_at": "now()",
    "created_by": "%(by)s",
}
COPY = f"""
{insert(VALUES)}
FROM unnest(%(ids)s::uuid[], %(originals)s::uuid[], %(options)s::jsonb[]) AS copy(id, original, options)
CROSS JOIN LATERAL (SELECT * FROM job WHERE job.id = copy.original OFFSET 0) AS job
ON CONFLICT DO NOTHING
"""

COPIED = "SELECT queue, priority, id::text, queued_at FROM job WHERE id = ANY(%(ids)s::uuid[])"


def read(cursor: Cursor, ids: Sequence[str]) -> list[Contents]:
    """Return the arguments of those jobs of `ids` that exist."""
    cursor.execute(READ, {"ids": list(ids)})
    return [Contents._make(row) for row in cursor.fetchall()]


def edit(
    cursor: Cursor, id_: str, *, args: str | None, kwargs: str | None, shown: str | None
) -> bool:
    """Give a scheduled, queued or retrying job other arguments, as JSON; None keeps the old ones.

    `shown` is what searches may see of all arguments. Return True if the row changed.
    """
    new = {"args": args, "kwargs": kwargs, "shown": shown}
    values = {**new, "id": id_, "sources": list(sources(Event.CHANGED))}
    cursor.execute(EDIT, values)
    return cursor.fetchone() is not None


def copy(
    cursor: Cursor, copies: dict[str, Contents], options: Sequence[str | None], *, by: str
) -> list[Notice]:
    """Queue a copy of each job in `copies`, under the id that is its key, with its own `options` (JSON).

    A copy keeps neither the time, the expiry nor the dedupe key. Return the notices to ring.
    """
    ids = list(copies)
    originals = [original.id for original in copies.values()]
    cursor.execute(COPY, {"ids": ids, "originals": originals, "options": list(options), "by": by})
    cursor.execute(COPIED, {"ids": ids})
    return [Notice._make(row) for row in cursor.fetchall()]
