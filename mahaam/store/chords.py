"""Writes of chords: their members, the results that arrive, and the callbacks that are due."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from mahaam.jobs.chord import Arrival, NewChord, Replacement
from mahaam.postgres.database import Cursor


class CompletedChord(NamedTuple):
    """A chord whose members have all ended; `values` holds their results in order, as JSON."""

    id: str
    callback: str
    values: list[str]


MAKE = """
INSERT INTO chord (id, size, callback, callback_id) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING
"""

ENTER = """
INSERT INTO chord_member (chord_id, place, job_id)
SELECT %s, place - 1, member FROM unnest(%s::uuid[]) WITH ORDINALITY AS entered(member, place)
ON CONFLICT DO NOTHING
"""

# Consumers that end members of one chord at the same time wait for each other here, before they
# count, so that exactly one of them sees the chord complete. The order of ids prevents deadlocks.
LOCK = "SELECT FROM chord WHERE id = ANY(%s::uuid[]) ORDER BY id FOR UPDATE"

# A member counts once, however often it ends. Index: chord_member_job.
NOTE = """
UPDATE chord_member AS member SET value = came.value, arrived_at = now()
FROM unnest(%(chords)s::uuid[], %(jobs)s::uuid[], %(values)s::jsonb[]) AS came(chord_id, job_id, value)
WHERE member.job_id = came.job_id AND member.chord_id = came.chord_id AND arrived_at IS NULL
RETURNING member.chord_id::text
"""

COUNT = """
UPDATE chord
SET arrived = arrived + came.members, fired_at = CASE WHEN arrived + came.members = size THEN now() END
FROM unnest(%(chords)s::uuid[], %(members)s::int[]) AS came(id, members)
WHERE chord.id = came.id AND fired_at IS NULL
RETURNING chord.id::text, callback::text, fired_at IS NOT NULL
"""

VALUES = "SELECT value::text FROM chord_member WHERE chord_id = %s ORDER BY place"

# Index: chord_fired. 30 days: as long as finished jobs are kept by default.
FORGET = """
DELETE FROM chord WHERE id IN (
  SELECT id FROM chord WHERE fired_at < now() - interval '30 days' ORDER BY fired_at LIMIT 1000
)
"""

REPLACE = """
UPDATE chord_member SET job_id = %s WHERE chord_id = %s AND place = %s AND arrived_at IS NULL
"""


def make(cursor: Cursor, chords: Sequence[NewChord]) -> None:
    """Insert chords and their members, which become jobs in the same transaction."""
    for chord in chords:
        cursor.execute(MAKE, (chord.id, len(chord.members), chord.callback, chord.callback_id))
        cursor.execute(ENTER, (chord.id, chord.members))


def arrive(cursor: Cursor, arrivals: Sequence[Arrival]) -> list[CompletedChord]:
    """Record the results of members. Return the chords that this completes."""
    cursor.execute(LOCK, ([arrival.chord_id for arrival in arrivals],))
    cursor.execute(
        NOTE,
        {
            "chords": [arrival.chord_id for arrival in arrivals],
            "jobs": [arrival.job_id for arrival in arrivals],
            "values": [arrival.value for arrival in arrivals],
        },
    )
    came = Counter(row[0] for row in cursor.fetchall())
    if not came:
        return []
    cursor.execute(COUNT, {"chords": list(came), "members": list(came.values())})
    whole = [(id_, callback) for id_, callback, is_whole in cursor.fetchall() if is_whole]
    return [CompletedChord(id_, callback, _values(cursor, id_)) for id_, callback in whole]


def replace(cursor: Cursor, replacement: Replacement) -> None:
    """Put another job in a member's place, unless the member has ended. The old job no longer counts."""
    chord_id, place, job_id = replacement
    cursor.execute(REPLACE, (job_id, chord_id, place))


def prune(cursor: Cursor) -> None:
    """Delete chords that fired long ago, with the results of their members."""
    cursor.execute(FORGET)


def _values(cursor: Cursor, chord_id: str) -> list[str]:
    cursor.execute(VALUES, (chord_id,))
    return [row[0] for row in cursor.fetchall()]
