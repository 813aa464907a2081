"""Writes of queue configs: adding queues and setting their rank."""

from __future__ import annotations

from mahaam.postgres.database import Cursor

DECLARE = """
INSERT INTO queue (name, rank) SELECT unnest(%s::text[]), %s ON CONFLICT DO NOTHING RETURNING name
"""

SET_RANK = """
WITH before AS (SELECT name, rank FROM queue WHERE name = %(name)s FOR UPDATE)
UPDATE queue SET rank = %(rank)s FROM before WHERE queue.name = before.name RETURNING before.rank
"""


def declare(cursor: Cursor, names: list[str], *, rank: int) -> list[str]:
    """Add the queues that tasks name and that do not exist yet. Return the names of those."""
    cursor.execute(DECLARE, (names, rank))
    return [name for (name,) in cursor.fetchall()]


def set_rank(cursor: Cursor, name: str, rank: int) -> int:
    """Set the rank of a queue. Return its previous rank."""
    cursor.execute(SET_RANK, {"name": name, "rank": rank})
    (before,) = cursor.fetchone() or (rank,)
    return int(before)
