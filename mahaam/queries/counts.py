"""Counts from small indexes and the rollup, which never count beyond a limit."""

from __future__ import annotations

from sqlalchemy import text

from mahaam.jobs.states import State
from mahaam.postgres.query_limits import COUNT_LIMIT, Reader, time_limit

_STATE = "(SELECT count(*) FROM (SELECT FROM job WHERE state = '{0}' LIMIT :limit) AS found) AS {0}"
STATES = "SELECT " + ", ".join(_STATE.format(state.value) for state in State)

OPEN_LETTERS = """
    SELECT count(*) FROM (
           SELECT FROM dead_letter
            WHERE resolved_at IS NULL AND reprocessed_at IS NULL LIMIT :limit) AS found
"""


def state_counts(session: Reader) -> dict[str, int]:
    """Return the number of jobs per state; each stops at COUNT_LIMIT + 1. Raises QueryTooSlow."""
    with time_limit(session):
        row = session.execute(text(STATES), {"limit": COUNT_LIMIT + 1}).one()
    return dict(row._mapping)


def open_letter_count(session: Reader) -> int:
    """Return the number of open dead letters; the count stops at COUNT_LIMIT + 1."""
    return int(session.execute(text(OPEN_LETTERS), {"limit": COUNT_LIMIT + 1}).scalar_one())
