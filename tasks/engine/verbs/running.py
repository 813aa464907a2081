"""What an operator can do to jobs that run."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from functools import partial
from uuid import UUID

from tasks.engine import database
from tasks.engine.audit import audited_jobs
from tasks.engine.states import State
from tasks.engine.store import stops
from tasks.engine.verbs.verdict import Verdict, judged, why_not

log = logging.getLogger("mahaam.verbs")

STOPPABLE: frozenset[str] = frozenset({State.RUNNING})


def stop(job_ids: Iterable[UUID], *, by: str) -> Verdict:
    """Ask running jobs to stop; they end as cancelled. Raises DatabaseUnavailable.

    Their consumers see it within a second, and interrupt what still runs after STOP_GRACE_S.
    """
    return judged(job_ids, partial(_stop, by=by), why_not("stopped", STOPPABLE))


def _stop(ids: Sequence[UUID], *, by: str) -> list[UUID]:
    names = list(map(str, ids))
    change = audited_jobs(
        partial(stops.ask, ids=names, by=by),
        "stop",
        by=by,
        ids=names,
        done=lambda asked: asked,
        after={"state": "stopping"},
    )
    asked = database.repeatable(change, atomic=True)
    log.info("Jobs asked to stop. jobs=%s by=%s", len(asked), by)
    return [UUID(id_) for id_ in asked]
