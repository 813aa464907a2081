"""The ids of all jobs that match a filter, slice by slice, for whoever acts on them."""

from __future__ import annotations

import uuid
from typing import NamedTuple

from tasks.engine.database import Cursor
from tasks.engine.queries.job_filter import JobFilter

CONDITIONS = {
    "state": "state = %(state)s",
    "queue": "queue = %(queue)s",
    "task": "task = %(task)s",
    "tag": "tags @> ARRAY[%(tag)s]",
    "error": "error ILIKE %(error)s",
}


class Slice(NamedTuple):
    """Ids, newest first. The next slice lies below `below`; None: there is no more.

    A slice may be short, even empty, and not the last: it ends when enough rows were looked at.
    """

    ids: list[str]
    below: uuid.UUID | None


def ids_below(
    cursor: Cursor, wanted: JobFilter, *, below: uuid.UUID | None = None, limit: int = 1000
) -> Slice:
    """At most `limit` ids of jobs that match and are older than `below` (None: the newest)."""
    given = wanted.to_dict()
    conditions = [CONDITIONS[name] for name in given if name in CONDITIONS]
    if wanted.argument is not None:
        conditions.append(f"{wanted.argument_column} @> %(argument)s::jsonb")
    values = given | {
        "error": f"%{_literally(wanted.error or '')}%",
        "oldest": str(wanted.oldest_id),
        "limit": limit,
        "below": str(min(below or wanted.id_limit, wanted.id_limit)),
    }
    where = " AND ".join(["id >= %(oldest)s", "id < %(below)s", *conditions])
    cursor.execute(
        f"SELECT id::text FROM job WHERE {where} ORDER BY id DESC LIMIT %(limit)s", values
    )
    ids = [row[0] for row in cursor.fetchall()]
    return Slice(ids, uuid.UUID(ids[-1]) if len(ids) == limit else None)


def _literally(text: str) -> str:
    """`text` as LIKE takes it: nothing in it is a pattern."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
