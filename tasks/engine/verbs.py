"""What an operator can do to jobs and dead letters; each verb tells what it did and refused."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar
from uuid import UUID

import redis
from psycopg2.errors import UniqueViolation

from tasks.engine import accept, database, queue_names, refusal
from tasks.engine.arguments import clean
from tasks.engine.database import Cursor
from tasks.engine.new_job import INT4
from tasks.engine.queries import bounds, refusals
from tasks.engine.states import MOVES, WAITING, Event
from tasks.engine.store import verbs as store
from tasks.engine.store.due import Ring
from tasks.engine.store.verbs import Requeued

log = logging.getLogger("mahaam.verbs")

Id = UUID | int
Known = TypeVar("Known", UUID, int)
NOTE_LIMIT_BYTES = 2000
LARGEST_ID = 2**63 - 1
FIRST = Ring("", INT4, str(UUID(int=0)))
RETRYABLE: frozenset[str] = frozenset(MOVES[Event.RETRIED])
CANCELLABLE: frozenset[str] = frozenset(WAITING)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The ids that a verb was done to, and for each of the others the reason why not."""

    done: tuple[Id, ...] = ()
    refused: dict[Id, str] = field(default_factory=dict)


def retry(job_ids: Iterable[UUID], *, by: str) -> Verdict:
    """Queue failed, cancelled, expired and completed jobs again, with all their retries anew.

    Their open dead letters count as reprocessed. A job is refused while a live one holds its
    dedupe key. Raises DatabaseUnavailable.
    """
    return _judged(job_ids, partial(_retry, by=by), partial(_of_jobs, "retried", RETRYABLE))


def cancel(job_ids: Iterable[UUID], *, by: str) -> Verdict:
    """Cancel scheduled, queued and retrying jobs. Raises DatabaseUnavailable."""
    return _judged(job_ids, partial(_cancel, by=by), partial(_of_jobs, "cancelled", CANCELLABLE))


def reprocess(dead_letter_ids: Iterable[int], *, by: str) -> Verdict:
    """Retry the jobs of open dead letters. Raises DatabaseUnavailable."""
    return _judged(dead_letter_ids, partial(_reprocess, by=by), partial(_of_letters, "reprocessed"))


def resolve(dead_letter_ids: Iterable[int], *, by: str, note: str | None = None) -> Verdict:
    """Mark dead letters as dealt with; their jobs stay failed. Raises DatabaseUnavailable."""
    note = clean(note, NOTE_LIMIT_BYTES) if note else None
    return _judged(
        dead_letter_ids,
        partial(_resolve, by=by, note=note),
        partial(_of_letters, "resolved"),
    )


def clear(queue: str, *, by: str) -> int:
    """Cancel every job that is queued in `queue` now; returns how many.

    Raises UnknownQueue, DatabaseUnavailable.
    """
    queue_names.check(queue)
    count, after, until = 0, FIRST, database.repeatable(bounds.now)
    while moved := database.repeatable(partial(store.clear, queue=queue, until=until, after=after)):
        _forget(moved)
        count += len(moved)
        after = max(moved, key=lambda ring: (-ring.priority, ring.id))
    log.info("Queue cleared. queue=%s jobs=%s by=%s", queue, count, by)
    return count


def flush(*, by: str) -> int:
    """Resolve all dead letters that are open now; returns how many. Raises DatabaseUnavailable."""
    return _through_open_letters(lambda chunk: len(_resolve(chunk, by=by, note=None)))


def retry_all(*, by: str, queue: str | None = None) -> int:
    """Retry the jobs of all dead letters that are open now, of one queue or of all.

    Returns how many dead letters that closed. Raises UnknownQueue, DatabaseUnavailable.
    """
    if queue is not None:
        queue_names.check(queue)
    return _through_open_letters(lambda chunk: len(_reprocess(chunk, by=by)), queue=queue)


# One chunk of each verb; what is returned was done.


def _retry(ids: Sequence[UUID], *, by: str) -> list[UUID]:
    moved = _requeued(lambda cursor: store.retry(cursor, list(map(str, ids)), by=by))
    log.info("Jobs retried. jobs=%s by=%s", len(moved), by)
    return [UUID(job.id) for job in moved]


def _cancel(ids: Sequence[UUID], *, by: str) -> list[UUID]:
    moved = database.repeatable(lambda cursor: store.cancel(cursor, list(map(str, ids))))
    _forget(moved)
    log.info("Jobs cancelled. jobs=%s by=%s", len(moved), by)
    return [UUID(job.id) for job in moved]


def _reprocess(ids: Sequence[int], *, by: str) -> list[int]:
    known = _possible(ids)
    moved = _requeued(lambda cursor: store.reprocess(cursor, known, by=by))
    log.info("Dead letters reprocessed. jobs=%s by=%s", len(moved), by)
    return [letter for job in moved for letter in job.letters]


def _resolve(ids: Sequence[int], *, by: str, note: str | None) -> list[int]:
    known = _possible(ids)
    done = database.repeatable(lambda cursor: store.resolve(cursor, known, by=by, note=note))
    log.info("Dead letters resolved. dead_letters=%s by=%s", len(done), by)
    return done


def _requeued(work: Callable[[Cursor], list[Requeued]]) -> list[Requeued]:
    """Queue jobs again, then ring for them."""
    while True:
        try:
            moved = database.repeatable(work)
        except UniqueViolation:
            continue  # a job with the same dedupe key came at this moment; now it is seen
        if moved:
            accept.ring([job.ring for job in moved])
        return moved


def _forget(cancelled: Sequence[Ring]) -> None:
    """Spare the consumers the ids of cancelled jobs; without Redis they claim nothing anyway."""
    try:
        accept.bell().forget(cancelled)
    except redis.RedisError as fault:
        log.warning("Redis is away; it keeps ids of cancelled jobs for now. fault=%s", fault)


# Many rows.


def _judged(
    ids: Iterable[Known],
    step: Callable[[list[Known]], list[Known]],
    reasons: Callable[[list[Known]], dict[Id, str]],
) -> Verdict:
    wanted = list(dict.fromkeys(ids))
    done: set[Known] = set()
    for chunk in accept.chunks(wanted):
        done.update(step(chunk))
    left = [id_ for id_ in wanted if id_ not in done]
    return Verdict(tuple(id_ for id_ in wanted if id_ in done), reasons(left) if left else {})


def _through_open_letters(step: Callable[[list[int]], int], *, queue: str | None = None) -> int:
    """The sum of `step` over chunks of the dead letters that are open at the start."""
    count, after, until = 0, 0, database.repeatable(bounds.newest_letter)
    while chunk := database.repeatable(
        partial(bounds.open_letters, after=after, until=until, queue=queue)
    ):
        count += step(chunk)
        after = chunk[-1]
    return count


def _possible(ids: Iterable[int]) -> list[int]:
    return [id_ for id_ in ids if 0 < id_ <= LARGEST_ID]


# Why not.


def _of_jobs(verb: str, sources: frozenset[str], left: list[UUID]) -> dict[Id, str]:
    ids = {id_: str(id_) for id_ in left}
    facts = database.repeatable(lambda cursor: refusals.job_facts(cursor, list(ids.values())))
    return {
        id_: refusal.of_job(text, facts.get(text), verb, sources=sources)
        for id_, text in ids.items()
    }


def _of_letters(verb: str, left: list[int]) -> dict[Id, str]:
    letters = database.repeatable(lambda cursor: refusals.letter_facts(cursor, _possible(left)))
    job_ids = sorted({letter.job_id for letter in letters.values()})
    jobs = database.repeatable(lambda cursor: refusals.job_facts(cursor, job_ids))
    return {
        id_: refusal.of_letter(id_, letters.get(id_), verb, jobs=jobs, sources=RETRYABLE)
        for id_ in left
    }
