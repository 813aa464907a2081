"""The verbs for running consumers, which follow a request within two seconds."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from functools import partial
from uuid import UUID

from mahaam.audit.record import AuditRecord, audited
from mahaam.core.errors import OptionNotValid
from mahaam.core.translatable import Translatable
from mahaam.core.verb_result import Id, VerbResult, judged
from mahaam.postgres import database
from mahaam.queries.rejection_text import CHANGING, ago
from mahaam.workers import requests_queries as queries
from mahaam.workers import requests_store as store
from mahaam.workers.requests_queries import WorkerFact

log = logging.getLogger("mahaam.verbs")

GREENLETS_MAX = 1000

# By the requested verb.
WORKER = {
    "resized": Translatable("Worker %(id)s cannot be resized: %(reason)s."),
    "quieted": Translatable("Worker %(id)s cannot be made quiet: %(reason)s."),
    "woken": Translatable("Worker %(id)s cannot be woken: %(reason)s."),
    "stopped": Translatable("Worker %(id)s cannot be stopped: %(reason)s."),
}
NO_WORKER = Translatable("No worker %(id)s exists.")
SILENT = Translatable("it has not been heard of for %(ago)s")
STATES = {
    "running": Translatable("it takes jobs already"),
    "quiet": Translatable("it is quiet already"),
    "stopping": Translatable("it is stopping already"),
    "stopped": Translatable("it stopped %(ago)s ago"),
    "lost": Translatable("it was lost %(ago)s ago"),
}


def resize_workers(ids: Iterable[UUID], greenlets: int, *, by: str) -> VerbResult:
    """Set how many jobs workers run at once. Running jobs go on.

    Raises OptionNotValid, DatabaseUnavailable.
    """
    if not 1 <= greenlets <= GREENLETS_MAX:
        raise OptionNotValid(
            f"greenlets must be a number from 1 to {GREENLETS_MAX}; it is {greenlets}."
        )
    return _asked(ids, "resize", "resized", by=by, greenlets=greenlets)


def quiet_workers(ids: Iterable[UUID], *, by: str) -> VerbResult:
    """Let workers finish their running jobs and take no new ones. Raises DatabaseUnavailable."""
    return _asked(ids, "quiet", "quieted", by=by, state="quiet")


def wake_workers(ids: Iterable[UUID], *, by: str) -> VerbResult:
    """Let quiet workers take jobs again. Raises DatabaseUnavailable."""
    return _asked(ids, "wake", "woken", by=by, state="running")


def stop_workers(ids: Iterable[UUID], *, by: str) -> VerbResult:
    """End workers as SIGTERM does. Raises DatabaseUnavailable."""
    return _asked(ids, "stop_worker", "stopped", by=by, state="stopped")


def _asked(
    ids: Iterable[UUID],
    verb: str,
    participle: str,
    *,
    by: str,
    state: str | None = None,
    greenlets: int | None = None,
) -> VerbResult:
    request = partial(store.ask, state=state, greenlets=greenlets)
    after = {"state": state} if state else {"greenlets": greenlets}

    def event(asked: list[str]) -> AuditRecord:
        return AuditRecord(actor=by, verb=verb, kind="worker", targets=asked, after=after)

    def step(wanted: Sequence[UUID]) -> list[UUID]:
        change = audited(partial(request, ids=list(map(str, wanted))), event)
        asked = database.repeatable(change, atomic=True)
        log.info("Workers to be %s. workers=%s by=%s", participle, ",".join(asked), by)
        return [UUID(id_) for id_ in asked]

    return judged(ids, step, partial(_why_not, participle))


def _why_not(verb: str, left: Sequence[UUID]) -> dict[Id, Translatable]:
    facts = database.repeatable(lambda cursor: queries.facts(cursor, list(map(str, left))))
    return {id_: _refusal(str(id_), facts.get(str(id_)), verb) for id_ in left}


def _refusal(id_: str, fact: WorkerFact | None, verb: str) -> Translatable:
    if fact is None:
        return NO_WORKER.about(id=id_)
    return WORKER[verb].about(id=id_, reason=_reason(fact, verb))


def _reason(fact: WorkerFact, verb: str) -> Translatable:
    if fact.silent_s is not None and fact.ended_s_ago is None:
        return SILENT.about(ago=ago(fact.silent_s))
    if fact.state in ("running", "quiet") and verb == "resized":
        return CHANGING
    return STATES[fact.state].about(ago=ago(fact.ended_s_ago or 0))
