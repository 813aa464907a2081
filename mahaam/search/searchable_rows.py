"""Bounds of the rows that can be searched: those in which masked content is hidden from searches, too."""

from __future__ import annotations

import uuid

from mahaam.live_settings.current import value
from mahaam.postgres.ask import Ask, by_session
from mahaam.postgres.query_limits import Reader
from mahaam.search.job_filter import FIRST_ID, LAST_ID

# No names of tasks in this statement: the console may know other tasks than the consumers.
REACHED = """
SELECT CASE WHEN NOT names @> %(names)s::text[] THEN NULL WHEN ended_at IS NOT NULL THEN 'all' ELSE part END,
       below
FROM mask_walk
"""


def masked_from(ask: Ask) -> uuid.UUID:
    """Return the oldest job whose content may be searched; the last id of all: none."""
    part, below = _reached(ask)
    if part == "all":
        return FIRST_ID
    return uuid.UUID(below) if part == "job" and below else LAST_ID


def are_jobs_left(session: Reader) -> bool:
    """Return True if there are old jobs whose errors and arguments cannot be searched yet."""
    return masked_from(by_session(session)) != FIRST_ID


def are_groups_masked(session: Reader) -> bool:
    """Return True if the messages of error groups may be searched."""
    return _reached(by_session(session))[0] in ("all", "dead_letter", "job")


def _reached(ask: Ask) -> tuple[str | None, str | None]:
    rows = ask(REACHED, {"names": list(value("masked_keys"))})
    return (rows[0][0], rows[0][1]) if rows else (None, None)
