"""Selection of the jobs or dead letters of an operation by filter, batch by batch, newest first."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple
from uuid import UUID

from mahaam.jobs.states import State
from mahaam.operations.verbs import JOB, Verb
from mahaam.postgres.database import Cursor
from mahaam.queries import dead_letter_ids
from mahaam.queries.dead_letter_list import DeadLetterFilter
from mahaam.search import job_ids
from mahaam.search.job_filter import JobFilter

Selection = JobFilter | DeadLetterFilter

# A job that moves from one of these states to a later one during the selection is still reached.
LIFE = (
    State.SCHEDULED, State.RETRYING, State.QUEUED, State.RUNNING, State.FAILED, State.CANCELLED,
    State.EXPIRED, State.COMPLETED,
)  # fmt: skip

STEPS_AT_ONCE = 20  # a search for what is rare is left to consumers after this number of steps


class SelectionBatch(NamedTuple):
    """The next ids, perhaps none, and where to continue; None: this was the last step."""

    ids: list[Any]
    cursor: str | None


def kept(wanted: Selection) -> dict[str, Any]:
    """Return the filter as an operation stores it."""
    return dict(wanted.to_dict())


def read_back(act: Verb, kept_filter: dict[str, Any]) -> Selection:
    """Return the filter that `kept` made this of. Raises TypeError for a filter of later versions."""
    return (
        JobFilter.from_dict(kept_filter)
        if act.kind == JOB
        else DeadLetterFilter.from_dict(kept_filter)
    )


def narrowed(act: Verb, wanted: DeadLetterFilter) -> DeadLetterFilter:
    """Return the filter of the dead letters that the verb may take.

    Those that are dealt with are left out.
    """
    marks: dict[str, Any] = {mark: False for mark in act.closed_to if getattr(wanted, mark) is None}
    return replace(wanted, **marks)


def states_of(act: Verb, wanted: JobFilter) -> list[State]:
    """Return the states to select from: the filter's one, or all that the verb takes."""
    # Selecting ten million completed jobs only to reject each would help nobody.
    if wanted.state is not None:
        return [State(wanted.state)]
    return [state for state in LIFE if state in act.sources]


def step(
    cursor: Cursor, act: Verb, wanted: Selection, *, top: str | None, after: str | None, limit: int
) -> SelectionBatch:
    """Return the next ids, none newer than `top`, behind the step whose cursor was `after`."""
    if top is None:
        return SelectionBatch([], None)
    if isinstance(wanted, JobFilter):
        return _jobs(cursor, wanted, states_of(act, wanted), top=top, after=after, limit=limit)
    below = int(after or int(top) + 1)
    found = dead_letter_ids.ids_below(cursor, narrowed(act, wanted), below=below, limit=limit)
    return SelectionBatch(found.ids, None if found.below is None else str(found.below))


def first(
    cursor: Cursor, act: Verb, wanted: Selection, *, top: str | None, limit: int
) -> SelectionBatch:
    """Return the first ids, about `limit`; without a cursor these are all that there are."""
    ids: list[Any] = []
    after: str | None = None
    for _ in range(STEPS_AT_ONCE):
        found = step(cursor, act, wanted, top=top, after=after, limit=limit)
        ids += found.ids
        after = found.cursor
        if after is None or len(ids) >= limit:
            break
    return SelectionBatch(ids, after)


def _jobs(
    cursor: Cursor,
    wanted: JobFilter,
    states: list[State],
    *,
    top: str,
    after: str | None,
    limit: int,
) -> SelectionBatch:
    """Return one slice; the cursor says which state it is of and below which id it lies."""
    beginning = UUID(int=UUID(top).int + 1)
    place, below = (after or f"0 {beginning}").split()
    of_state = replace(wanted, state=states[int(place)])
    found = job_ids.ids_below(cursor, of_state, below=UUID(below), limit=limit)
    if found.below is not None:
        return SelectionBatch(found.ids, f"{place} {found.below}")
    is_last = int(place) + 1 == len(states)
    return SelectionBatch(found.ids, None if is_last else f"{int(place) + 1} {beginning}")
