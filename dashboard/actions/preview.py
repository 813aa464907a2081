"""Preview of an action on all rows that match a filter: how many, some of them, and the skipped ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from mahaam import verbs
from mahaam.jobs.states import State
from mahaam.postgres import database
from mahaam.postgres.paging import PageCursor
from mahaam.postgres.query_limits import COUNT_LIMIT
from mahaam.queries import dead_letter_ids
from mahaam.queries.dead_letter_list import DeadLetterFilter, dead_letters_page
from mahaam.queries.job_list import jobs_page
from mahaam.search.job_filter import JobFilter
from mahaam.search.match_count import MatchCount, match_count

from ..present import badges
from ..web.database import db
from .bulk import SAMPLES, BulkAction, BulkPreview, Skipped

FIRST = PageCursor(size=SAMPLES)


def of_jobs(action: BulkAction, wanted: JobFilter) -> BulkPreview:
    """Return the preview for jobs, counted per state. States that the verb does not take are skipped.

    Raises QueryTooSlow.
    """
    act = verbs.ACTS[action.verb]
    asked = [State(wanted.state)] if wanted.state else list(badges.JOB)
    found = {state: match_count(db.session, replace(wanted, state=state)) for state in asked}
    fitting = [state for state in asked if state in act.sources and found[state].jobs]
    samples = (
        jobs_page(db.session, replace(wanted, state=fitting[0]), FIRST).entries if fitting else ()
    )
    return BulkPreview(
        count=sum(found[state].jobs for state in fitting),
        is_least=any(_is_least(found[state]) for state in fitting),
        samples=samples,
        skipped_counts=tuple(
            Skipped(badges.JOB[state], matched.jobs, _is_least(matched))
            for state, matched in found.items()
            if state not in act.sources and matched.jobs
        ),
        until=_newest(action),
        is_all=True,
    )


def of_letters(action: BulkAction, wanted: DeadLetterFilter) -> BulkPreview:
    """Return the preview for dead letters. Those dealt with are skipped. Raises DatabaseUnavailable."""
    narrowed = verbs.narrowed(verbs.ACTS[action.verb], wanted)
    count, matching = _dead_letter_counts((narrowed, wanted))
    return BulkPreview(
        count=min(count, COUNT_LIMIT),
        is_least=count > COUNT_LIMIT,
        samples=dead_letters_page(db.session, narrowed, FIRST).entries if count else (),
        skipped_counts=(
            (Skipped(badges.LETTER["resolved"], matching - count, matching > COUNT_LIMIT),)
            if matching > count
            else ()
        ),
        until=_newest(action),
        is_all=True,
    )


def _is_least(matched: MatchCount) -> bool:
    return matched.is_least or matched.is_estimate


def _dead_letter_counts(filters: Iterable[DeadLetterFilter]) -> list[int]:
    return [
        database.repeatable(
            partial(dead_letter_ids.count_up_to, wanted=wanted, limit=COUNT_LIMIT + 1)
        )
        for wanted in filters
    ]


def _newest(action: BulkAction) -> str | None:
    return database.repeatable(partial(verbs.newest, act=verbs.ACTS[action.verb]))
