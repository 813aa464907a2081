"""Lets people rehearse a failure: a completed job becomes a failed one, with a dead letter."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from functools import partial
from uuid import UUID

from tasks.engine import database
from tasks.engine.audit import audited_jobs
from tasks.engine.states import MOVES, Event, State
from tasks.engine.store import rehearsal
from tasks.engine.verbs.acts import turned_by
from tasks.engine.verbs.verdict import Verdict, judged, why_not

log = logging.getLogger("mahaam.verbs")

FAILABLE: frozenset[str] = frozenset(MOVES[Event.TURNED])


def fail(job_ids: Iterable[UUID], *, by: str, reason: str | None = None) -> Verdict:
    """Turn completed jobs into failed ones, each with a dead letter that says who did it.

    Nothing follows from it: no error handler runs, no chord hears of it. Raises DatabaseUnavailable.
    """
    step = partial(_fail, by=by, reason=reason)
    return judged(job_ids, step, why_not("turned into failed", FAILABLE))


def _fail(ids: Sequence[UUID], *, by: str, reason: str | None) -> list[UUID]:
    names = list(map(str, ids))
    turn = audited_jobs(
        partial(rehearsal.turn, ids=names, failure=turned_by(by, reason)),
        "fail",
        by=by,
        ids=names,
        done=lambda turned: turned,
        after={"state": State.FAILED},
    )
    turned = database.repeatable(turn, atomic=True)
    log.info("Completed jobs turned into failed ones. jobs=%s by=%s", len(turned), by)
    return [UUID(id_) for id_ in turned]
