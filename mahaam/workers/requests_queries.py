"""Queries about requests to consumers, and why a request was refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mahaam.jobs.worker_states import HEADING
from mahaam.postgres.database import Cursor


class RequestedState(NamedTuple):
    """The actual and the requested state of a worker; None where nothing is requested."""

    state: str
    greenlets: int
    wanted_state: str | None
    wanted_greenlets: int | None


class WorkerFact(NamedTuple):
    """The coming state of a worker, how long ago it ended, how long it was silent if its lease is over."""

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
    """Return the requested state of a worker; None for an unknown worker."""
    cursor.execute(WANTED, (worker_id,))
    row = cursor.fetchone()
    return RequestedState._make(row) if row else None


def facts(cursor: Cursor, ids: Sequence[str]) -> dict[str, WorkerFact]:
    """Return the facts of those workers of `ids` that exist."""
    cursor.execute(FACTS, (list(ids),))
    return {id_: WorkerFact(*rest) for id_, *rest in cursor.fetchall()}
