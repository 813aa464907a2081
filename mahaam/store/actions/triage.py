"""Triage of dead letters: resolving them, assigning an owner, adding notes."""

from __future__ import annotations

from collections.abc import Sequence

from mahaam.postgres.by_key import recheck
from mahaam.postgres.database import Cursor

RESOLVE = f"""
WITH locked AS (
  SELECT id FROM dead_letter WHERE id = ANY(%(ids)s) AND {recheck("resolved_at IS NULL")}
  ORDER BY id FOR UPDATE
)
UPDATE dead_letter SET resolved_at = now(), resolved_by = %(by)s, resolution_note = %(note)s
WHERE id = ANY(ARRAY(SELECT id FROM locked)) AND {recheck("resolved_at IS NULL")}
RETURNING id
"""

# Index: dead_letter_pkey.
ASSIGN = """
WITH locked AS (SELECT id FROM dead_letter WHERE id = ANY(%(ids)s) ORDER BY id FOR UPDATE)
UPDATE dead_letter SET owner = %(owner)s WHERE id = ANY(ARRAY(SELECT id FROM locked))
RETURNING id
"""
ANNOTATE = """
INSERT INTO dead_letter_note (dead_letter_id, note, written_by)
SELECT id, %(note)s, %(by)s FROM dead_letter WHERE id = ANY(%(ids)s) ORDER BY id FOR KEY SHARE
RETURNING dead_letter_id
"""

# Resolves dead letters that were reprocessed and whose jobs have completed, a slice at a time, so
# that many waiting ones cost no more than few. Index: dead_letter_reprocessed, job_pkey.
CLOSE = """
WITH slice AS (
  SELECT id, job_id FROM dead_letter
  WHERE reprocessed_at IS NOT NULL AND resolved_at IS NULL AND id > %(after)s
    AND NOT id = ANY(%(but)s::bigint[]) AND (%(only)s::bigint[] IS NULL OR id = ANY(%(only)s::bigint[]))
  ORDER BY id LIMIT %(limit)s
), done AS (
  SELECT letter.id FROM dead_letter AS letter
  JOIN slice ON slice.id = letter.id JOIN job ON job.id = slice.job_id
  WHERE job.state = 'completed' AND letter.reprocessed_at IS NOT NULL AND letter.resolved_at IS NULL
  ORDER BY letter.id FOR UPDATE OF letter SKIP LOCKED
), closed AS (
  UPDATE dead_letter SET resolved_at = now(), resolved_by = %(by)s
  FROM done WHERE dead_letter.id = done.id RETURNING dead_letter.id
)
SELECT (SELECT max(id) FROM slice), (SELECT count(*) FROM slice), (SELECT count(*) FROM closed)
"""
FIND_REPROCESSED = """
SELECT id::text FROM dead_letter
WHERE reprocessed_at IS NOT NULL AND resolved_at IS NULL AND id > %(after)s
  AND NOT id = ANY(%(but)s::bigint[]) ORDER BY id LIMIT %(limit)s
"""
BY_ITSELF = "completed"  # the actor that resolved a dead letter whose job completed


def assign(cursor: Cursor, letters: Sequence[int], *, owner: str | None) -> list[int]:
    """Set the owner of dead letters; None: nobody. Return the ids of those that exist."""
    cursor.execute(ASSIGN, {"ids": list(letters), "owner": owner})
    return [row[0] for row in cursor.fetchall()]


def mark_notified(cursor: Cursor, letters: Sequence[int]) -> None:
    """Record that people were notified of dead letters."""
    cursor.execute(
        "UPDATE dead_letter SET notified_at = now() WHERE id = ANY(%s)", (list(letters),)
    )


def annotate(cursor: Cursor, letters: Sequence[int], *, by: str, note: str) -> list[int]:
    """Add a note to dead letters. Return the ids of those that exist."""
    cursor.execute(ANNOTATE, {"ids": list(letters), "by": by, "note": note})
    return [row[0] for row in cursor.fetchall()]


def close_completed(
    cursor: Cursor,
    *,
    after: int,
    limit: int,
    but: Sequence[str] = (),
    keys: Sequence[str] | None = None,
) -> tuple[int, int]:
    """Resolve reprocessed dead letters of one slice whose jobs have completed.

    Skips the dead letters in `but`; `keys` limits the slice to these (None: any).
    Return how many were resolved, and the id behind which the next slice begins (0: at the start).
    """
    only = None if keys is None else list(keys)
    cursor.execute(
        CLOSE, {"after": after, "limit": limit, "by": BY_ITSELF, "but": list(but), "only": only}
    )
    row = cursor.fetchone()
    assert row is not None
    last, seen, closed = row
    return int(closed), int(last) if seen == limit else 0


def find_reprocessed(
    cursor: Cursor, *, after: int, limit: int, but: Sequence[str] = ()
) -> list[str]:
    """Return the ids of the dead letters that `close_completed` would check."""
    cursor.execute(FIND_REPROCESSED, {"after": after, "limit": limit, "but": list(but)})
    return [id_ for (id_,) in cursor.fetchall()]


def resolve(cursor: Cursor, letters: Sequence[int], *, by: str, note: str | None) -> list[int]:
    """Resolve dead letters. Return the ids of those that were not resolved before."""
    cursor.execute(RESOLVE, {"ids": list(letters), "by": by, "note": note})
    return [row[0] for row in cursor.fetchall()]
