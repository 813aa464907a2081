"""Lets people rehearse a failure: a completed job becomes a failed one, with a dead letter."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from functools import partial
from uuid import UUID

from mahaam.audit.record import audited_jobs
from mahaam.jobs.states import MOVES, Event, State
from mahaam.operations.verb_result import VerbResult, judged, why_not
from mahaam.operations.verbs import turned_by
from mahaam.postgres import database
from mahaam.store.actions import turn_failed

log = logging.getLogger("mahaam.verbs")

FAILABLE: frozenset[str] = frozenset(MOVES[Event.TURNED])


def fail(job_ids: Iterable[UUID], *, by: str, reason: str | None = None) -> VerbResult:
    """Turn completed jobs into failed ones, each with a dead letter that says who did it.

    Nothing follows from it: no error handler runs, no chord hears of it. Raises DatabaseUnavailable.
    """
    step = partial(_fail, by=by, reason=reason)
    return judged(job_ids, step, why_not("turned into failed", FAILABLE))


def _fail(ids: Sequence[UUID], *, by: str, reason: str | None) -> list[UUID]:
    names = list(map(str, ids))
    turn = audited_jobs(
        partial(turn_failed.turn, ids=names, failure=turned_by(by, reason)),
        "fail",
        by=by,
        ids=names,
        done=lambda turned: turned,
        after={"state": State.FAILED},
    )
    turned = database.repeatable(turn, atomic=True)
    log.info("Completed jobs turned into failed ones. jobs=%s by=%s", len(turned), by)
    return [UUID(id_) for id_ in turned]
