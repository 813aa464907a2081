"""Jobs run by hand, in a process without a consumer: `huey.dequeue` and `huey.execute`.

The process becomes a worker with a lease when it first takes a job, so that what it holds is
rescued when it ends, and written under the same fence as any other outcome.
"""

from __future__ import annotations

import atexit
import logging
from functools import partial

from mahaam.core.lazy import lazy
from mahaam.enqueuing import accept, after_commit
from mahaam.huey_adapter import waiting_jobs_store
from mahaam.huey_adapter.results import results
from mahaam.jobs.claim import Claim
from mahaam.jobs.outcome import Fence
from mahaam.jobs.states import State
from mahaam.postgres import database
from mahaam.postgres.database import Connection, Cursor
from mahaam.queries import waiting
from mahaam.queries.waiting import WaitingJob
from mahaam.run.run import Run
from mahaam.store import due, exchange
from mahaam.store.cycle import Cycle
from mahaam.workers import store as workers_store
from mahaam.workers.lease import Lease

log = logging.getLogger("mahaam.inline_worker")

IDS_KEPT = 100
TRIES = 20  # for jobs that another worker starts at the same moment


class InlineWorker:
    """A worker that takes one job after the other for this process, and writes how each ended."""

    def __init__(self) -> None:
        self._runs: dict[Fence, Run] = {}
        self._lease: Lease | None = None
        # All ids that it had: the lease of an earlier one may not be over yet.
        self._worker_ids: list[str] = []

    def take_next(self) -> Run | WaitingJob | str | None:
        """Return the next queued job in the order of the queues, started, or None when there is none.

        A delayed job that no worker has read is put into the schedule. Of a job that is past its
        expiry only the id is returned: it is not started any more.
        """
        accept.ring(database.repeatable(due.make_due))
        unseen = self.is_alone()
        for _ in range(TRIES):
            find = partial(waiting.next_ids, limit=1, paused=False, unseen=unseen)
            ids = database.repeatable(find)
            if not ids:
                return None
            scheduled = self._scheduled(ids[0]) if unseen else None
            if (taken := scheduled or self.take(ids[0])) is not None:
                return taken
            if self._expire(ids[0]):
                return ids[0]
        return None

    def is_alone(self) -> bool:
        """Return True if no other worker handles delayed jobs."""
        return not database.repeatable(partial(waiting.is_watched, but=self._worker_ids))

    def _scheduled(self, job_id: str) -> WaitingJob | None:
        """Put a delayed job into the schedule. Return it as it waits there; None for any other job."""
        if not database.repeatable(partial(waiting_jobs_store.put_in, job_id=job_id)):
            return None
        found = database.repeatable(partial(waiting.some, ids=[job_id]))
        return found[0] if found else None

    def take(self, job_id: str) -> Run | None:
        """Start one job if it is queued and not too late. Return its run."""
        for fresh in (False, True):  # the worker's row may be gone, with its whole database
            lease = self._leased(fresh=fresh)
            claims = self._started(job_id, lease)
            if claims:
                return self._begun(claims[0])
        return None

    def holds(self, run: Run) -> bool:
        """Return True if a run was taken here and has no outcome yet."""
        return self._runs.get(run.claim.fence) is run

    def finish(self, run: Run) -> list[str]:
        """Write the outcome of a run, then send the notices of what follows from it.

        Return the ids of jobs that follow and that Huey has not announced.
        """
        ended = (run.claim, run.settle())
        turn = Cycle([ended], [], run.claim.worker_id, unsure=[], flushed=True)
        try:
            with database.transaction() as cursor:
                _prepare(cursor)
                cycle_result = turn(cursor)
        finally:
            self._runs.pop(run.claim.fence, None)
        is_at_once = not ended[1].delay_s and ended[1].run_at is None
        if ended[1].state is State.RETRYING and is_at_once:
            accept.ring(database.repeatable(due.make_due))
        if cycle_result.fences:
            after_commit.announce([ended])
            after_commit.ring(accept.notice(), [ended], cycle_result.notices)
        else:
            after_commit.announce_late([ended])
        return after_commit.unannounced([ended], cycle_result.notices)

    def close(self) -> None:
        """Release what is held and stop being a worker."""
        lease, self._lease = self._lease, None
        self._runs.clear()
        if lease is None:
            return
        lease.close()
        try:
            database.repeatable(
                lambda cursor: workers_store.release_all(cursor, lease.worker_id), atomic=True
            )
            database.repeatable(
                partial(workers_store.stop, worker_id=lease.worker_id, state="stopped")
            )
        except Exception as fault:  # noqa: BLE001 (the process ends; its lease ends by itself)
            log.warning("The worker could not be marked stopped. fault=%s", fault)

    def _leased(self, *, fresh: bool) -> Lease:
        if self._lease is not None and (fresh or not self._lease.is_valid()):
            self._lease.close()
            self._lease = None
        if self._lease is None:
            self._lease = Lease(queues=[], greenlets=1, held=self._held)
            self._lease.open()
            self._worker_ids = [*self._worker_ids[-IDS_KEPT:], self._lease.worker_id]
        return self._lease

    def _held(self) -> list[str]:
        return [id_ for id_, _ in list(self._runs)]

    def _started(self, job_id: str, lease: Lease) -> list[Claim]:
        with database.transaction() as cursor:
            _prepare(cursor)
            _, claims = exchange.exchange(
                cursor, [], [job_id], worker_id=lease.worker_id, unsure=[], durable=True
            )
        return claims

    def _begun(self, claim: Claim) -> Run:
        run = self._runs[claim.fence] = Run(claim)
        accept.forget([claim])
        return run

    def _expire(self, job_id: str) -> bool:
        """End a job that is past its expiry. Return True if it was."""
        worker_id = self._leased(fresh=False).worker_id
        expire = partial(exchange.expire, popped=[job_id], worker_id=worker_id)
        accept.ring(database.repeatable(expire, atomic=True))
        found = results.standing(job_id, early=False)
        return found is not None and found.state == State.EXPIRED


@lazy
def hand() -> InlineWorker:
    """Return the inline worker of this process."""
    made = InlineWorker()
    atexit.register(made.close)
    return made


def _prepare(cursor: Cursor) -> None:
    assert isinstance(cursor.connection, Connection)
    cursor.connection.prepare("exchange", exchange.PREPARE)
