"""The ids of all jobs that match a filter, slice by slice."""

from __future__ import annotations

import uuid
from typing import NamedTuple

from mahaam.postgres.ask import by_cursor
from mahaam.postgres.database import Cursor
from mahaam.search.job_filter import LAST_ID, JobFilter
from mahaam.search.job_stream import StreamWindow
from mahaam.search.search import search


class JobSlice(NamedTuple):
    """Ids, newest first. The next slice lies below `below`; None: there is no more.

    A slice may be short, even empty, and not the last: it ends when enough rows were scanned.
    """

    ids: list[str]
    below: uuid.UUID | None


def ids_below(
    cursor: Cursor, wanted: JobFilter, *, below: uuid.UUID | None = None, limit: int = 1000
) -> JobSlice:
    """Return at most `limit` ids of jobs that match and are older than `below` (None: the newest).

    The settings of the cursor's transaction are afterwards as they were; it may commit each
    statement by itself, too.
    """
    found = search(by_cursor(cursor), wanted, StreamWindow(limit=below or LAST_ID, size=limit))
    is_full = len(found.ids) == limit
    return JobSlice([str(id_) for id_ in found.ids], found.ids[-1] if is_full else found.reached)
