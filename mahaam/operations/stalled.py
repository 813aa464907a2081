"""Operations that make no progress although consumers should be working at them."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from mahaam.postgres.ask import Ask

STALLED_AFTER_S = 30
SHOWN = 100

# Each consumer works at one operation at a time, the oldest first: an operation behind as many
# moving ones as there are consumers waits without a fault. Index: operation_open.
STALLED = """
SELECT id, verb, state, moved_at, still_s FROM (
  SELECT id, verb, state, moved_at, still_s,
         count(*) FILTER (WHERE still_s <= %(after_s)s)
           OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS moving_before
  FROM (
    SELECT id, verb, state, moved_at, extract(epoch FROM clock_timestamp() - moved_at)::float8 AS still_s
    FROM operation WHERE state IN ('waiting', 'running', 'undoing') ORDER BY id LIMIT 1000
  ) AS unfinished
) AS placed
WHERE still_s > %(after_s)s AND moving_before < greatest(1, (
  SELECT count(*) FROM worker WHERE state IN ('running', 'quiet') AND lease_until > now()))
ORDER BY id LIMIT %(limit)s
"""


class StalledOperation(NamedTuple):
    """An operation of which no batch was done since `moved_at`, `still_s` seconds ago."""

    id: int
    verb: str
    state: str
    moved_at: datetime
    still_s: float


def stalled_operations(ask: Ask) -> list[StalledOperation]:
    """Return the operations without progress for STALLED_AFTER_S seconds, the oldest first."""
    rows = ask(STALLED, {"after_s": STALLED_AFTER_S, "limit": SHOWN})
    return [StalledOperation(*row) for row in rows]
