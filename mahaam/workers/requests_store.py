"""Writes of operators' requests to consumers, and of their fulfilment."""

from __future__ import annotations

from collections.abc import Sequence

from mahaam.jobs.worker_states import HEADING
from mahaam.postgres.database import Cursor

# Index: worker_pkey.
ASK = f"""
WITH locked AS (
  SELECT id FROM worker
  WHERE id = ANY(%(ids)s::uuid[]) AND state IN ('running', 'quiet') AND lease_until > now()
    AND {HEADING} <> 'stopping' AND {HEADING} IS DISTINCT FROM %(state)s
  ORDER BY id FOR UPDATE
)
UPDATE worker
SET wanted_state = coalesce(%(state)s, wanted_state),
    wanted_greenlets = coalesce(%(greenlets)s, wanted_greenlets)
FROM locked WHERE worker.id = locked.id
RETURNING worker.id::text
"""

# A request that came after the fulfilled one stays.
FULFIL = """
UPDATE worker
SET state = %(state)s, wanted_state = nullif(wanted_state, %(state)s),
    greenlets = %(greenlets)s, wanted_greenlets = nullif(wanted_greenlets, %(greenlets)s)
WHERE id = %(id)s AND state IN ('running', 'quiet')
"""


def ask(
    cursor: Cursor, ids: Sequence[str], *, state: str | None = None, greenlets: int | None = None
) -> list[str]:
    """Request a state or a number of greenlets of live workers. Return the ids of the rows changed."""
    cursor.execute(ASK, {"ids": list(ids), "state": state, "greenlets": greenlets})
    return [row[0] for row in cursor.fetchall()]


def fulfil(cursor: Cursor, worker_id: str, *, state: str, greenlets: int) -> None:
    """Record the state of a worker, and clear the requests that this state fulfils."""
    cursor.execute(FULFIL, {"id": worker_id, "state": state, "greenlets": greenlets})
