"""Statements over known keys, whose plans are right whatever PostgreSQL's statistics say.

Bulk work runs when statistics are worst: right after a hundred thousand rows came into tables that were
last analysed when they were empty. Then each index seems to hold one row, and a join of all rows with
all rows seems to be one pair. So:

- each table is accessed by the batch's keys, or by a range of them;
- each further condition on a row is a `recheck`, for which no other index can be chosen;
- the result of one step is passed to the next as one row: an array of keys, an object of values by key.
  A join of two lists is at best a search in an array, and at worst a comparison of every pair;
- a look-up per row ends with OFFSET 0, so that it is not turned into a join of whole tables.
"""

from __future__ import annotations

from mahaam.postgres.database import Cursor

ONLY_BY_KEY = "SET LOCAL enable_seqscan = off"


def recheck(condition: str) -> str:
    """Return SQL that is true of the same rows as `condition` and for which no index can be used.

    PostgreSQL matches indexes and partial indexes with comparisons, not with a test of their truth.
    """
    return f"(({condition}) IS TRUE)"


def reach_rows_by_key(cursor: Cursor) -> None:
    """Prevent sequential scans for the rest of the transaction."""
    cursor.execute(ONLY_BY_KEY)
