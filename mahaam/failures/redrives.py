"""Phased re-drives: a few dead letters first, then more, then all, as long as few fail again.

Each phase is an operation that reprocesses a share of the dead letters: 5 %, then 10 %, then all
others in portions. When more than the allowed share of what has ended has failed again, the
re-drive ends: the rest stays as it is. Any consumer advances them, one step at a time.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from functools import partial

from mahaam.audit import record
from mahaam.audit.record import AuditRecord
from mahaam.core.errors import OptionNotValid
from mahaam.core.payload import clean
from mahaam.core.translatable import Translatable
from mahaam.failures import redrives_store as store
from mahaam.failures.redrives_queries import PhaseOutcome, outcome
from mahaam.failures.redrives_store import NewRedrive
from mahaam.operations import store as operations_store
from mahaam.operations.lifecycle import REASON_LIMIT_BYTES
from mahaam.operations.selection import narrowed
from mahaam.operations.verbs import ACTS
from mahaam.postgres import database, watermarks
from mahaam.postgres.database import Cursor
from mahaam.queries import dead_letter_ids
from mahaam.queries.dead_letter_list import DeadLetterFilter
from mahaam.set_aside import isolate

log = logging.getLogger("mahaam.redrives")

# Percent of each phase. The first two are careful: the next one waits for the end of their jobs.
# All others are reprocessed in portions, each when half of the last has ended, so that a stop saves
# the rest.
CAREFUL = 2
SHARES = (5, 10, *(10,) * 8, 100)
LEAST = 20  # jobs that must have ended before their failures are counted as a share
MOST = 10_000_000
IS_OVER = Translatable("Re-drive %(id)s is over.")


class NothingToRedrive(OptionNotValid):
    """No open dead letter matches."""


def start_redrive(
    wanted: DeadLetterFilter, *, max_failed_percent: int, reason: str | None = None, by: str
) -> int:
    """Reprocess what matches and is open now, phase by phase. Return the id of the re-drive.

    Raises OptionNotValid, NothingToRedrive, DatabaseUnavailable.
    """
    if not 0 <= max_failed_percent <= 100:
        raise OptionNotValid(
            f"max_failed_percent must be from 0 to 100; it is {max_failed_percent}."
        )
    open_ones = narrowed(ACTS["reprocess"], wanted)
    kept_reason = clean(reason, REASON_LIMIT_BYTES) if reason else None
    with database.transaction() as cursor:
        until = watermarks.newest_letter(cursor)
        count = dead_letter_ids.count_up_to(cursor, open_ones, limit=MOST)
        if not count:
            raise NothingToRedrive
        values = {"expected": count, "max_failed_percent": max_failed_percent}
        id_ = store.make(
            cursor, filter=open_ones.to_dict(), reason=kept_reason, until=until,
            shares=list(SHARES), by=by, **values,
        )  # fmt: skip
        record.tell(
            cursor,
            AuditRecord(
                actor=by, verb="redrive", kind="dead_letter", targets=[], count=count,
                filter=open_ones.to_dict(), after={"redrive": id_, **values}, reason=kept_reason,
            ),
        )  # fmt: skip
    log.info("Re-drive begun. redrive=%s dead_letters=%s by=%s", id_, count, by)
    return id_


def stop_redrive(id_: int, *, by: str) -> Translatable | None:
    """End a re-drive; jobs that it has reprocessed continue. Return the reason if that is not possible."""
    with database.transaction() as cursor:
        phases = store.end(cursor, id_, state="stopped", by=by)
        if phases is None:
            return IS_OVER.about(id=id_)
        for operation in phases:
            operations_store.abort(cursor, operation, by=by)
        record.tell(
            cursor,
            AuditRecord(
                actor=by,
                verb="stop_redrive",
                kind="dead_letter",
                targets=[],
                after={"redrive": id_},
            ),
        )
    log.info("Re-drive stopped. redrive=%s by=%s", id_, by)
    return None


def advance_redrives() -> int:
    """Advance each running re-drive by one step. Return how many run. Raises DatabaseUnavailable."""
    with database.transaction() as cursor:
        running = store.take(cursor)
        steps = {str(redrive.id): partial(_advance, redrive=redrive) for redrive in running}
        isolate.each(isolate.inside(cursor), "re-drives", steps)
    return len(running)


def _advance(cursor: Cursor, redrive: NewRedrive) -> None:
    phases = redrive.operations
    if not phases:
        _begin_phase(cursor, redrive)
        return
    last = outcome(cursor, phases[-1])
    is_careful = len(phases) <= CAREFUL
    before = None if is_careful or len(phases) < 2 else outcome(cursor, phases[-2])
    if has_failed([last] if before is None else [before, last], redrive.max_failed_percent):
        _stop_by_itself(cursor, redrive, last)
    elif last.is_begun or last.live > (0 if is_careful else last.jobs // 2):
        return
    elif len(phases) < len(redrive.shares):
        _begin_phase(cursor, redrive)
    elif not last.live and not (before and before.live):
        store.end(cursor, redrive.id, state="finished")
        log.info("Re-drive finished. redrive=%s", redrive.id)


def has_failed(phases: Sequence[PhaseOutcome], most_percent: int) -> bool:
    """Return True if more of what has ended has failed again than is allowed.

    While some jobs run, fewer than LEAST that have ended count as LEAST.
    """
    failed = sum(phase.failed for phase in phases)
    ended = failed + sum(phase.completed for phase in phases)
    is_over = not any(phase.is_begun or phase.live for phase in phases)
    return failed * 100 > most_percent * (ended if is_over else max(ended, LEAST))


def _stop_by_itself(cursor: Cursor, redrive: NewRedrive, last: PhaseOutcome) -> None:
    store.end(cursor, redrive.id, state="stopped")
    operations_store.abort(cursor, redrive.operations[-1], by=None)
    log.warning(
        "Re-drive stopped by itself: too many fail again. redrive=%s phase=%s failed=%s",
        redrive.id, len(redrive.operations), last.failed,
    )  # fmt: skip


def _begin_phase(cursor: Cursor, redrive: NewRedrive) -> None:
    share = redrive.shares[len(redrive.operations)]
    wanted = DeadLetterFilter.from_dict(redrive.filter)
    most = math.ceil(redrive.expected * share / 100) if share < 100 else None
    parameters = {} if most is None else {"most": most}
    operation = operations_store.make(
        cursor, kind="dead_letter", verb="reprocess", filter=wanted.to_dict(), parameters=parameters,
        reason=redrive.reason, created_by=redrive.by, until=str(redrive.until),
        expected=most or redrive.expected,
    )  # fmt: skip
    store.begin_phase(cursor, redrive.id, operation)
    log.info(
        "Re-drive goes on. redrive=%s phase=%s operation=%s",
        redrive.id, len(redrive.operations) + 1, operation,
    )  # fmt: skip
