"""The ids of all dead letters that match a filter, slice by slice."""

from __future__ import annotations

from typing import Any, NamedTuple

from mahaam.postgres.database import Cursor
from mahaam.queries.dead_letter_list import DeadLetterFilter

# Without statistics the planner expects a single dead letter, which might as well be sorted.
IN_ORDER = "SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off"
MARKS = ("reprocessed", "resolved", "notified")


class DeadLetterSlice(NamedTuple):
    """Ids, newest first. The next slice lies below `below`; None: there is no more."""

    ids: list[int]
    below: int | None


def ids_below(
    cursor: Cursor, wanted: DeadLetterFilter, *, below: int, limit: int = 1000
) -> DeadLetterSlice:
    """Return at most `limit` ids of dead letters that match and are less than `below`.

    The rest of the cursor's transaction is planned without sorting whole tables.
    """
    values = _values(wanted)
    cursor.execute(IN_ORDER)
    cursor.execute(
        f"SELECT id FROM dead_letter WHERE {_where(values)} AND id < %(below)s"
        " ORDER BY id DESC LIMIT %(limit)s",
        {**values, "below": below, "limit": limit},
    )
    ids = [row[0] for row in cursor.fetchall()]
    return DeadLetterSlice(ids, ids[-1] if len(ids) == limit else None)


def count_up_to(cursor: Cursor, wanted: DeadLetterFilter, *, limit: int) -> int:
    """Return the number of matches; counting ends at `limit`."""
    values = _values(wanted)
    cursor.execute(
        "SELECT count(*) FROM (SELECT FROM dead_letter"
        f" WHERE {_where(values)} LIMIT %(limit)s) AS found",
        {**values, "limit": limit},
    )
    row = cursor.fetchone()
    return int(row[0]) if row else 0


# How each other field of a filter narrows; the values are those of `to_dict`.
RULES = {
    "queue": "queue = %(queue)s",
    "task": "task = %(task)s",
    "owner": "owner = %(owner)s",
    "nobodys": "owner IS NULL",
    "causes": "fingerprint = ANY(%(causes)s)",
    "since": "failed_at >= %(since)s::timestamptz",
    "until": "failed_at < %(until)s::timestamptz",
}


def _values(wanted: DeadLetterFilter) -> dict[str, Any]:
    values = wanted.to_dict()
    return values | {"causes": list(values["causes"])} if "causes" in values else values


def _where(given: dict[str, Any]) -> str:
    marks = [
        f"{mark}_at IS {'NOT NULL' if given[mark] else 'NULL'}" for mark in MARKS if mark in given
    ]
    return " AND ".join([*marks, *(RULES[name] for name in given if name in RULES)]) or "true"
