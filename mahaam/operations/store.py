"""Storage of operations: what was requested, its progress, and its result for each job."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mahaam.postgres.arrays import text_array
from mahaam.postgres.by_key import recheck
from mahaam.postgres.database import Cursor

Kept = dict[str, Any]  # some columns of a row, as JSON

# Columns that verbs change and undo restores, by kind.
TYPES = {
    "job": {
        "state": "text",
        "finished_at": "timestamptz",
        "queued_at": "timestamptz",
        "run_at": "timestamptz",
        "priority": "int",
        "queue": "text",
    },
    "dead_letter": {
        "resolved_at": "timestamptz",
        "resolved_by": "text",
        "resolution_note": "text",
        "owner": "text",
    },
}

MAKE = """
INSERT INTO operation (kind, verb, filter, parameters, reason, created_by, until, expected)
VALUES (%(kind)s, %(verb)s, %(filter)s, %(parameters)s, %(reason)s, %(created_by)s, %(until)s,
        %(expected)s)
RETURNING id
"""

FIELDS = """id, kind, verb, filter, parameters, reason, created_by, state, until, cursor, done,
refused, undo_cursor, undone, kept, undone_by"""

# Index: operation_open. Another consumer that works at an operation holds its row; one that was
# killed does not, and its last batch was not written.
TAKE = f"""
SELECT {FIELDS} FROM operation
WHERE state IN ('waiting', 'running', 'undoing') AND id <> ALL(%s::bigint[])
ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
"""

# An abort or an undo waits for the batch that is under way.
LOCK = f"""
SELECT {FIELDS} FROM operation WHERE id = %s FOR UPDATE
"""

ADVANCE = """
UPDATE operation
SET cursor = %(cursor)s, done = done + %(done)s, refused = refused + %(refused)s,
    started_at = coalesce(started_at, now()),
    state = CASE WHEN %(is_last)s THEN 'finished' ELSE 'running' END, moved_at = now(),
    finished_at = CASE WHEN %(is_last)s THEN now() END
WHERE id = %(id)s
"""

NOTE = """
INSERT INTO operation_result (operation_id, number, job_id, dead_letter_id, is_done, fact, before, after)
SELECT %(id)s, %(count)s + number, job_id, dead_letter_id, fact IS NULL, fact, before, after
FROM unnest(%(jobs)s::uuid[], %(letters)s::bigint[], %(facts)s::jsonb[], %(before)s::jsonb[],
            %(after)s::jsonb[]) WITH ORDINALITY
  AS came(job_id, dead_letter_id, fact, before, after, number)
"""

ABORT = """
UPDATE operation SET state = 'aborted', finished_at = now(), aborted_by = %(by)s, fault = %(fault)s
WHERE id = %(id)s AND state IN ('waiting', 'running')
RETURNING id
"""

# What cannot go back any further stays as it is.
END_UNDO = """
UPDATE operation SET state = 'undone', undone_at = now(), fault = %(fault)s
WHERE id = %(id)s AND state = 'undoing'
"""

BEGIN_UNDO = """
UPDATE operation SET state = 'undoing', undone_by = %(by)s, moved_at = now()
WHERE id = %(id)s AND state IN ('finished', 'aborted') AND undone_by IS NULL AND done > 0
  AND finished_at > now() - %(window_s)s * interval '1 second'
RETURNING done
"""

ADVANCE_UNDO = """
UPDATE operation
SET undo_cursor = %(cursor)s, undone = undone + %(undone)s, kept = kept + %(kept)s, moved_at = now(),
    state = CASE WHEN %(is_last)s THEN 'undone' ELSE state END,
    undone_at = CASE WHEN %(is_last)s THEN now() END
WHERE id = %(id)s
"""

# A range of numbers, and the facts by their index in it: joined with a list, each would be looked
# for among all.
NOTE_UNDO = f"""
UPDATE operation_result AS result
SET undo_fact = (%(facts)s::jsonb[])[number - %(after)s],
    is_undone = (%(facts)s::jsonb[])[number - %(after)s] IS NULL
WHERE operation_id = %(id)s AND number > %(after)s AND number <= %(last)s AND {recheck("is_done")}
"""

CHUNK_OF_RESULTS = f"""
SELECT number, job_id::text, dead_letter_id FROM operation_result
WHERE operation_id = %(id)s AND number > %(after)s AND number <= %(last)s AND {recheck("is_done")}
ORDER BY number
"""


# Index: operation_result_done_job, which begins with the job: an operation is as large as the
# table.
ALREADY_DONE = f"""
SELECT job_id::text FROM operation_result
WHERE job_id = ANY(%(ids)s::uuid[]) AND is_done AND {recheck("operation_id = %(id)s")}
"""

LOOK_AT_JOBS = """
SELECT id::text, id::text, {columns} FROM job WHERE id = ANY(%s::uuid[]) {locking}
"""

LOOK_AT_LETTERS = "SELECT id, job_id::text, {columns} FROM dead_letter WHERE id = ANY(%s::bigint[])"


class LockedOperation(NamedTuple):
    """An operation that is locked: nobody else changes it before the transaction ends."""

    id: int
    kind: str
    verb: str
    filter: dict[str, Any] | None
    parameters: dict[str, Any]
    reason: str | None
    by: str
    state: str
    until: str | None
    cursor: str | None
    done: int
    refused: int
    undo_cursor: int
    undone: int
    kept: int
    undone_by: str | None


class UndoEntry(NamedTuple):
    """A result that undo reads: what was done to a job or a dead letter."""

    number: int
    job_id: str
    dead_letter_id: int | None


class RowSnapshot(NamedTuple):
    """A job or dead letter before or after a verb; `columns` are those that the verb changes."""

    job_id: str
    columns: Kept


def snapshot(columns: Sequence[str], table: str) -> str:
    """Return the SQL of a JSON object of these columns of `table`."""
    pairs = ", ".join(f"'{name}', {table}.{name}" for name in columns)
    return f"jsonb_build_object({pairs})"


def look(
    cursor: Cursor,
    kind: str,
    ids: Sequence[str] | Sequence[int],
    columns: Sequence[str],
    *,
    lock: bool,
) -> dict[Any, RowSnapshot]:
    """Return those of `ids` that exist; with `lock`, jobs stay as they are read. Index: the primary key."""
    # Jobs in the order of their ids, as every store locks them, so that operators wait for each
    # other without a deadlock. Dead letters are not locked at all: a transaction that locks both
    # begins with the jobs.
    statement = LOOK_AT_JOBS if kind == "job" else LOOK_AT_LETTERS
    locking = "ORDER BY id FOR UPDATE" if lock else ""
    sql = statement.format(columns=snapshot(columns, kind), locking=locking)
    cursor.execute(sql, (list(ids),))
    return {row[0]: RowSnapshot(*row[1:]) for row in cursor.fetchall()}


def make(cursor: Cursor, **values: Any) -> int:
    """Insert an operation. Return its id. No id that is newer than `until` is touched."""
    kept = {
        name: json.dumps(value) if name in ("filter", "parameters") and value is not None else value
        for name, value in values.items()
    }
    cursor.execute(MAKE, kept)
    row = cursor.fetchone()
    assert row is not None
    return int(row[0])


def take(cursor: Cursor, *, but: Sequence[int] = ()) -> LockedOperation | None:
    """Return the oldest unfinished operation that nobody works at, locked; for a transaction.

    None of the ids in `but` is taken.
    """
    cursor.execute(TAKE, (list(but),))
    row = cursor.fetchone()
    return LockedOperation._make(row) if row else None


def lock(cursor: Cursor, operation_id: int) -> LockedOperation | None:
    """Return one operation, locked, or None when there is none. For a transaction."""
    cursor.execute(LOCK, (operation_id,))
    row = cursor.fetchone()
    return LockedOperation._make(row) if row else None


def already_done(cursor: Cursor, operation_id: int, ids: Sequence[str]) -> set[str]:
    """Return the jobs among `ids` that the operation has done.

    A job that changes its state may be selected again.
    """
    cursor.execute(ALREADY_DONE, {"id": operation_id, "ids": list(ids)})
    return {row[0] for row in cursor.fetchall()}


def note(cursor: Cursor, work: LockedOperation, results: Sequence[Mapping[str, Any]]) -> None:
    """Write the results of a batch: job_id, dead_letter_id, fact, before and after of each."""
    if not results:
        return
    values = {
        "id": work.id,
        "count": work.done + work.refused,
        "jobs": [result["job_id"] for result in results],
        "letters": [result["dead_letter_id"] for result in results],
        **{
            plural: text_array(_json(result[name]) for result in results)
            for plural, name in (("facts", "fact"), ("before", "before"), ("after", "after"))
        },
    }
    cursor.execute(NOTE, values)


def advance(
    cursor: Cursor,
    work: LockedOperation,
    *,
    next_: str | None,
    done: int,
    refused: int,
    is_last: bool,
) -> None:
    """Move the cursor of an operation behind a batch that was done in the same transaction."""
    values = {"id": work.id, "cursor": next_, "done": done, "refused": refused, "is_last": is_last}
    cursor.execute(ADVANCE, values)


def expected(cursor: Cursor, operation_id: int) -> int | None:
    """Return the number of rows that an operation was to be done to, as counted before."""
    cursor.execute("SELECT expected FROM operation WHERE id = %s", (operation_id,))
    row = cursor.fetchone()
    return row[0] if row else None


def abort(cursor: Cursor, operation_id: int, *, by: str | None, fault: str | None = None) -> bool:
    """End an operation that is waiting or running. Return True if it was."""
    cursor.execute(ABORT, {"id": operation_id, "by": by, "fault": fault})
    return cursor.fetchone() is not None


def end_undo(cursor: Cursor, operation_id: int, *, fault: str) -> None:
    """End an undo that cannot continue."""
    cursor.execute(END_UNDO, {"id": operation_id, "fault": fault})


def begin_undo(cursor: Cursor, operation_id: int, *, by: str, window_s: float) -> bool:
    """Start the undo of an operation that ended within `window_s` seconds.

    Return True if that is allowed.
    """
    cursor.execute(BEGIN_UNDO, {"id": operation_id, "by": by, "window_s": window_s})
    return cursor.fetchone() is not None


def done_in(cursor: Cursor, work: LockedOperation, *, last: int) -> list[UndoEntry]:
    """Return what was done, of the results behind the cursor of the undo up to number `last`.

    Index: operation_result_pkey.
    """
    cursor.execute(CHUNK_OF_RESULTS, {"id": work.id, "after": work.undo_cursor, "last": last})
    return [UndoEntry._make(row) for row in cursor.fetchall()]


def note_undo(
    cursor: Cursor, work: LockedOperation, facts: Mapping[int, dict[str, Any] | None], *, last: int
) -> None:
    """Write which results up to number `last` were undone (None) and why others were not."""
    after = work.undo_cursor
    by_place = [_json(facts.get(number)) for number in range(after + 1, last + 1)]
    values = {"id": work.id, "after": after, "last": last, "facts": text_array(by_place)}
    cursor.execute(NOTE_UNDO, values)
    undone = sum(fact is None for fact in facts.values())
    kept = len(facts) - undone
    is_last = last >= work.done + work.refused
    cursor.execute(
        ADVANCE_UNDO,
        {"id": work.id, "cursor": last, "undone": undone, "kept": kept, "is_last": is_last},
    )


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)
