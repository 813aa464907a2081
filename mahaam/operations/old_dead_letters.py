"""What an operator can do to dead letters: reprocess and resolve, some or all."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from mahaam.audit.record import AuditRecord, audited
from mahaam.core.payload import clean
from mahaam.core.translatable import Translatable
from mahaam.enqueuing import known_queues
from mahaam.operations.old_jobs import RETRYABLE, requeued
from mahaam.operations.verb_result import LARGEST_ID, Id, VerbResult, judged
from mahaam.postgres import database, watermarks
from mahaam.queries import rejection_text, rejections
from mahaam.store.actions import dead_letters, requeue

log = logging.getLogger("mahaam.verbs")

NOTE_LIMIT_BYTES = 2000


def reprocess(dead_letter_ids: Iterable[int], *, by: str) -> VerbResult:
    """Retry the jobs of open dead letters. Raises DatabaseUnavailable."""
    return judged(dead_letter_ids, partial(_reprocess, by=by), partial(_why_not, "reprocessed"))


def resolve(dead_letter_ids: Iterable[int], *, by: str, note: str | None = None) -> VerbResult:
    """Mark dead letters as dealt with; their jobs stay failed. Raises DatabaseUnavailable."""
    note = clean(note, NOTE_LIMIT_BYTES) if note else None
    step = partial(_resolve, by=by, note=note)
    return judged(dead_letter_ids, step, partial(_why_not, "resolved"))


def flush(*, by: str) -> int:
    """Resolve all dead letters that are open now; returns how many. Raises DatabaseUnavailable."""
    return _through_open_letters(lambda chunk: len(_resolve(chunk, by=by, note=None)))


def retry_all(*, by: str, queue: str | None = None) -> int:
    """Retry the jobs of all dead letters that are open now, of one queue or of all.

    Returns how many dead letters that closed. Raises UnknownQueue, DatabaseUnavailable.
    """
    if queue is not None:
        known_queues.check(queue)
    return _through_open_letters(lambda chunk: len(_reprocess(chunk, by=by)), queue=queue)


def _reprocess(ids: Sequence[int], *, by: str) -> list[int]:
    known = _possible(ids)
    moved = requeued(
        audited(
            partial(requeue.reprocess, letters=known, by=by),
            lambda moved: _event("reprocess", [id_ for job in moved for id_ in job.letters], by=by),
        )
    )
    log.info("Dead letters reprocessed. jobs=%s by=%s", len(moved), by)
    return [letter for job in moved for letter in job.letters]


def _resolve(ids: Sequence[int], *, by: str, note: str | None) -> list[int]:
    known = _possible(ids)
    change = audited(
        partial(dead_letters.resolve, letters=known, by=by, note=note),
        lambda done: _event("resolve", done, by=by, reason=note),
    )
    done = database.repeatable(change, atomic=True)
    log.info("Dead letters resolved. dead_letters=%s by=%s", len(done), by)
    return done


def _through_open_letters(step: Callable[[list[int]], int], *, queue: str | None = None) -> int:
    """The sum of `step` over chunks of the dead letters that are open at the start."""
    count, after, until = 0, 0, database.repeatable(watermarks.newest_letter)
    while chunk := database.repeatable(
        partial(watermarks.open_letters, after=after, until=until, queue=queue)
    ):
        count += step(chunk)
        after = chunk[-1]
    return count


def _event(verb: str, letters: list[int], *, by: str, reason: str | None = None) -> AuditRecord:
    targets = list(map(str, letters))
    return AuditRecord(actor=by, verb=verb, kind="dead_letter", targets=targets, reason=reason)


def _possible(ids: Iterable[int]) -> list[int]:
    return [id_ for id_ in ids if 0 < id_ <= LARGEST_ID]


def _why_not(verb: str, left: list[int]) -> dict[Id, Translatable]:
    letters = database.repeatable(lambda cursor: rejections.letter_facts(cursor, _possible(left)))
    job_ids = sorted({letter.job_id for letter in letters.values()})
    jobs = database.repeatable(lambda cursor: rejections.job_facts(cursor, job_ids))
    return {
        id_: rejection_text.of_letter(id_, letters.get(id_), verb, jobs=jobs, sources=RETRYABLE)
        for id_ in left
    }
