"""How many there are of something: from small indexes and the rollup, and never beyond a limit."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text

from tasks.engine.queries.limits import COUNT_LIMIT, Reader, time_limit
from tasks.engine.states import State

_STATE = "(SELECT count(*) FROM (SELECT FROM job WHERE state = '{0}' LIMIT :limit) AS found) AS {0}"
STATES = "SELECT " + ", ".join(_STATE.format(state.value) for state in State)

OPEN_LETTERS = """
    SELECT count(*) FROM (
           SELECT FROM dead_letter
            WHERE resolved_at IS NULL AND reprocessed_at IS NULL LIMIT :limit) AS found
"""

LIVE_WORKERS = """
    SELECT count(*) AS workers, coalesce(sum(greenlets), 0) AS greenlets FROM worker
     WHERE state IN ('running', 'quiet', 'stopping') AND lease_until > now()
"""

LAST_HOUR = """
    SELECT coalesce(sum(completed), 0) AS completed, coalesce(sum(failed), 0) AS failed
      FROM job_minute WHERE minute >= now() - interval '1 hour'
"""


@dataclass(frozen=True)
class Overview:
    """What the first page tells; counts above COUNT_LIMIT mean "more than that"."""

    states: dict[str, int]
    open_letters: int
    workers: int
    greenlets: int
    completed: int
    failed: int


def state_counts(session: Reader) -> dict[str, int]:
    """Jobs per state; each stops at COUNT_LIMIT + 1. Raises QueryTooSlow."""
    with time_limit(session):
        row = session.execute(text(STATES), {"limit": COUNT_LIMIT + 1}).one()
    return dict(row._mapping)


def open_letter_count(session: Reader) -> int:
    """Dead letters that nobody has dealt with; stops at COUNT_LIMIT + 1."""
    return int(session.execute(text(OPEN_LETTERS), {"limit": COUNT_LIMIT + 1}).scalar_one())


def overview(session: Reader) -> Overview:
    """Everything on the first page. Raises QueryTooSlow."""
    with time_limit(session):
        live = session.execute(text(LIVE_WORKERS)).one()
        hour = session.execute(text(LAST_HOUR)).one()
        return Overview(
            states=state_counts(session),
            open_letters=open_letter_count(session),
            workers=live.workers,
            greenlets=live.greenlets,
            completed=hour.completed,
            failed=hour.failed,
        )
