"""What an operator can do to jobs that run."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from functools import partial
from uuid import UUID

from mahaam.audit.record import audited_jobs
from mahaam.jobs.states import State
from mahaam.operations.verb_result import VerbResult, judged, why_not
from mahaam.postgres import database
from mahaam.store.actions import stops

log = logging.getLogger("mahaam.verbs")

STOPPABLE: frozenset[str] = frozenset({State.RUNNING})


def stop(job_ids: Iterable[UUID], *, by: str) -> VerbResult:
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
