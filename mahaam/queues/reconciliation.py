"""Comparison of Redis with PostgreSQL, in part or whole, and repair of the differences.

Redis is a doorbell: a fault in it delays a job, or costs a claim that finds nothing; it never loses
or doubles a job. Consumers repair the heads of the queues by themselves all the time.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial

from mahaam.audit import record
from mahaam.audit.record import AuditRecord
from mahaam.config import get_settings
from mahaam.doorbell.pop import ID
from mahaam.doorbell.score import is_old, priority_of, score
from mahaam.enqueuing import accept
from mahaam.jobs.notice import Notice
from mahaam.jobs.states import State
from mahaam.postgres import database
from mahaam.postgres.query_limits import COUNT_LIMIT
from mahaam.queries import notices, queue_configs
from mahaam.queries.notices import JobPlace

log = logging.getLogger("mahaam.reconcile")

SAMPLE = 100  # on each side
STEP = 1000
EXAMPLES = 5


class NoticeFault(StrEnum):
    """A kind of difference between Redis and the rows."""

    MISSING = "missing"  # a queued row without an id in Redis
    CLAIMS_NOTHING = "claims_nothing"  # an id whose job is not queued, or does not exist
    JUNK = "junk"  # not an id at all
    WRONG_QUEUE = "wrong_queue"
    WRONG_PRIORITY = "wrong_priority"
    WRONG_PLACE = "wrong_place"  # the notice is before or after its position among equals


@dataclass(slots=True)
class NoticeComparison:
    """The comparison of one queue: how much there is, how much was compared, what was wrong.

    `queued` stops at COUNT_LIMIT + 1; `examples` are some ids or other members of each fault.
    """

    queue: str
    in_redis: int = 0
    queued: int = 0
    compared_ids: int = 0
    compared_rows: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)
    is_whole: bool = False

    @property
    def is_right(self) -> bool:
        """Return True if no fault was found."""
        return not self.faults

    @property
    def faults_found(self) -> int:
        """Return the number of faults of all kinds."""
        return sum(self.faults.values())

    def note(self, fault: NoticeFault, member: str) -> None:
        """Count a fault and keep some examples."""
        self.faults[fault] = self.faults.get(fault, 0) + 1
        kept = self.examples.setdefault(fault, [])
        if len(kept) < EXAMPLES:
            kept.append(member)


def sample() -> list[NoticeComparison]:
    """Compare for each queue what is next, on both sides, and some at random.

    Raises DatabaseUnavailable, redis.RedisError.
    """
    compared = []
    for queue in _queues():
        found = _begun(queue)
        _compare_members(found, accept.notice().some(queue, size=SAMPLE), repair=False)
        _compare_rows(found, _expected(queue, notices.FIRST, SAMPLE), repair=False)
        compared.append(found)
    return compared


def whole(*, repair: bool = False, by: str, limit_s: float | None = None) -> list[NoticeComparison]:
    """Compare everything, step by step; with `repair` correct what is wrong.

    The comparison ends after `limit_s` seconds; a queue that was not compared to its end is not
    `is_whole`. Raises DatabaseUnavailable, redis.RedisError.
    """
    deadline = None if limit_s is None else time.monotonic() + limit_s
    compared = [_whole(queue, repair=repair, deadline=deadline) for queue in _queues()]
    if repair:
        faults = sum(found.faults_found for found in compared)
        queues = [found.queue for found in compared if found.faults_found]
        record.note(
            AuditRecord(
                actor=by, verb="repair", kind="queue", targets=queues, after={"mended": faults}
            )
        )
        log.info("Redis reconciled with the rows. mended=%s by=%s", faults, by)
    return compared


def _whole(queue: str, *, repair: bool, deadline: float | None) -> NoticeComparison:
    found = _begun(queue)
    for members in accept.notice().steps(queue, size=STEP):
        if deadline is not None and time.monotonic() > deadline:
            return found
        _compare_members(found, members, repair=repair)
    for rows in _all_expected(queue):
        if deadline is not None and time.monotonic() > deadline:
            return found
        _compare_rows(found, rows, repair=repair)
    found.is_whole = True
    return found


def _begun(queue: str) -> NoticeComparison:
    count = partial(notices.count, queue=queue, limit=COUNT_LIMIT + 1)
    return NoticeComparison(queue, accept.notice().waiting(queue), database.repeatable(count))


def _queues() -> list[str]:
    known = {line.name for line in database.repeatable(queue_configs.lines)}
    return sorted(known | set(accept.notice().queues()))


def _compare_members(
    found: NoticeComparison, members: Mapping[bytes, float], *, repair: bool
) -> None:
    """Look for the rows of the notices in Redis."""
    ids = [member.decode() for member in members if ID.fullmatch(member)]
    rows = database.repeatable(partial(notices.slots, ids=ids)) if ids else {}
    wrong = {}
    for member, place in members.items():
        fault = _fault_of(member, place, rows, found.queue)
        if fault is not None:
            wrong[member] = fault
            found.note(fault, member.decode("utf-8", "replace")[:100])
    found.compared_ids += len(members)
    if repair and wrong:
        accept.notice().drop(found.queue, list(wrong))
        _ring_queued(member.decode() for member in wrong if ID.fullmatch(member))


def _fault_of(
    member: bytes, found: float, rows: Mapping[str, JobPlace], queue: str
) -> NoticeFault | None:
    if not ID.fullmatch(member):
        return NoticeFault.JUNK
    row = rows.get(member.decode())
    if row is None or row.state != State.QUEUED:
        return NoticeFault.CLAIMS_NOTHING
    if row.queue != queue:
        return NoticeFault.WRONG_QUEUE
    if priority_of(found) != row.priority:
        return NoticeFault.WRONG_PRIORITY
    is_right = row.queued_at is None or found == score(row.priority, row.queued_at)
    return None if is_right or is_old(found) else NoticeFault.WRONG_PLACE  # consumers mend old ones


def _compare_rows(found: NoticeComparison, rows: list[Notice], *, repair: bool) -> None:
    """Look for the ids of rows that are queued for longer than the grace time."""
    scores = accept.notice().scores(found.queue, [row.id for row in rows])
    found.compared_rows += len(rows)
    missing = [row.id for row in rows if scores[row.id] is None]
    # A job that was started since the rows were read is rightly no longer in Redis.
    still = database.repeatable(partial(notices.slots, ids=missing)) if missing else {}
    lost = [id_ for id_, place in still.items() if place.state == State.QUEUED]
    for id_ in lost:
        found.note(NoticeFault.MISSING, id_)
    if repair:
        _ring_queued(lost)


def _ring_queued(ids: Iterable[str]) -> None:
    """Send the notices of those that are queued now, as the rows say."""
    wanted = list(ids)
    if not wanted:
        return
    rows = database.repeatable(partial(notices.slots, ids=wanted))
    accept.notice().ring(row.ring for row in rows.values() if row.ring)


def _all_expected(queue: str) -> Iterator[list[Notice]]:
    after = notices.FIRST
    while rows := _expected(queue, after, STEP):
        yield rows
        after = rows[-1]


def _expected(queue: str, after: Notice, limit: int) -> list[Notice]:
    grace_s = get_settings().ring_grace_s
    return database.repeatable(
        partial(notices.expected, queue=queue, grace_s=grace_s, after=after, limit=limit)
    )
