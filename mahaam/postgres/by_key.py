"""Statements over known keys, whose plans are right whatever PostgreSQL's statistics say.

Bulk work runs when statistics are worst: right after a hundred thousand rows came into tables that were
last analysed when they were empty. Then each index seems to hold one row, and all with all is a pair. So:

- each table is reached by the chunk's keys, or by a span of them;
- what else must be true of a row is a `recheck`, by which no other index can be chosen;
- what one step has found reaches the next as one row: an array of keys, an object of values by key.
  A join of two lists is an array's search at best, and at worst a look at every pair;
- a look-up per row ends with OFFSET 0, so that it is not made into a join of whole tables.
"""

from __future__ import annotations

from mahaam.postgres.database import Cursor

ONLY_BY_KEY = "SET LOCAL enable_seqscan = off"


def recheck(condition: str) -> str:
    """Return SQL that is true of the same rows as `condition`, and that no index or partial index serves.

    PostgreSQL matches indexes with comparisons, not with a test of their truth.
    """
    return f"(({condition}) IS TRUE)"


def reach_rows_by_key(cursor: Cursor) -> None:
    """Let the rest of the transaction walk no table from end to end."""
    cursor.execute(ONLY_BY_KEY)
