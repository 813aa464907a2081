"""What is wanted of a consumer, and why a wish was refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mahaam.jobs.worker_states import HEADING
from mahaam.postgres.database import Cursor


class RequestedState(NamedTuple):
    """How a worker's row says it is, and how it should be; None where nothing is wanted."""

    state: str
    greenlets: int
    wanted_state: str | None
    wanted_greenlets: int | None


class WorkerFact(NamedTuple):
    """Where a worker is heading, how long ago it ended, how long its lease is over."""

    state: str
    ended_s_ago: float | None
    silent_s: float | None


WANTED = "SELECT state, greenlets, wanted_state, wanted_greenlets FROM worker WHERE id = %s"

FACTS = f"""
SELECT id::text, CASE WHEN state IN ('running', 'quiet') THEN {HEADING} ELSE state END,
       extract(epoch FROM clock_timestamp() - stopped_at)::float8,
       extract(epoch FROM clock_timestamp() - beat_at)::float8
         * CASE WHEN lease_until <= now() THEN 1 END
FROM worker WHERE id = ANY(%s::uuid[])
"""


def wanted(cursor: Cursor, worker_id: str) -> RequestedState | None:
    """What is wanted of a worker; None when nobody knows it."""
    cursor.execute(WANTED, (worker_id,))
    row = cursor.fetchone()
    return RequestedState._make(row) if row else None


def facts(cursor: Cursor, ids: Sequence[str]) -> dict[str, WorkerFact]:
    """Those of `ids` that exist."""
    cursor.execute(FACTS, (list(ids),))
    return {id_: WorkerFact(*rest) for id_, *rest in cursor.fetchall()}
