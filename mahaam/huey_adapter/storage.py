"""Huey's storage on rows of PostgreSQL, with Redis as a doorbell.

Nothing that decides how a job ends is in Redis, and nothing there grows without end: it holds the
ids of jobs that are next, and messages that nobody keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import cached_property, partial
from typing import Any, TypeVar

import redis
from huey.constants import EmptyData
from huey.exceptions import TaskException
from huey.storage import BaseStorage

from mahaam.audit.record import AuditRecord, audited
from mahaam.config import get_settings
from mahaam.core.errors import OptionNotValid
from mahaam.doorbell import doorbell
from mahaam.doorbell.doorbell import Doorbell
from mahaam.doorbell.replay_lock import ReplayLock
from mahaam.enqueuing import accept
from mahaam.huey_adapter import waiting_jobs_store
from mahaam.huey_adapter.inline_worker import hand
from mahaam.huey_adapter.results import result_wait, results
from mahaam.huey_adapter.results.result_wait import ResultChannels, ResultWait
from mahaam.huey_adapter.tasks.naive_times import aware
from mahaam.jobs.states import State
from mahaam.postgres import database, watermarks
from mahaam.postgres.database import Cursor
from mahaam.queries import values
from mahaam.queries import waiting as queries
from mahaam.queries.waiting import WaitingJob
from mahaam.run.run import Run
from mahaam.store import locks
from mahaam.store import values as store
from mahaam.store.actions.cancel import Cancelled, cancel

T = TypeVar("T")

MOST = 10_000  # jobs that are listed at once
FLUSH_ROUNDS = 20
SCHEDULED = (State.SCHEDULED, State.RETRYING)


class DoorbellStorage(BaseStorage):  # type: ignore[misc]  # Huey has no types
    """Huey's storage: a job is a row, a result is part of it, a value or counter a small row.

    `early` says whether an error counts as a result while there are retries left.
    """

    blocking = False

    def __init__(self, name: str, url: str, *, utc: bool, early: Callable[[], bool]) -> None:
        super().__init__(name)
        self._url = url
        self._utc = utc
        self._early = early

    @cached_property
    def conn(self) -> redis.Redis:
        """Return the client of Redis."""
        return doorbell.connect(self._url)

    @cached_property
    def doorbell(self) -> Doorbell:
        """Return the doorbell, which sends the notices of jobs."""
        return Doorbell(self.conn, get_settings().redis_prefix)

    @cached_property
    def ringing(self) -> ReplayLock:
        """Return the lock of the process that sends the notices of whole queues."""
        return ReplayLock(self.conn, get_settings().redis_prefix)

    @cached_property
    def channels(self) -> ResultChannels:
        """Return the channels in which the ends of jobs are published."""
        return ResultChannels(self.conn, get_settings().redis_prefix)

    def close(self) -> None:
        """Close the connections to Redis, if there are any."""
        if "conn" in vars(self):
            self.conn.connection_pool.disconnect()

    # Jobs.

    def enqueue(self, data: Any, priority: float | None = None) -> None:
        """Reject the message: one that is no job cannot be kept."""
        raise OptionNotValid("Messages are not stored; give the task to huey.enqueue.")

    def add_to_schedule(self, data: Any, ts: Any) -> None:
        """Reject the message, as `enqueue`."""
        self.enqueue(data)

    def dequeue(self) -> Run | WaitingJob | str | None:
        """Start the next job for this process, or put it into the schedule (see inline_worker.py)."""
        return hand().take_next()

    def queue_size(self) -> int:
        """Return how many jobs are queued."""
        return _ask(partial(queries.queue_size, unseen=hand().is_alone()))

    def enqueued_items(self, limit: int | None = None) -> list[WaitingJob]:
        """Return queued jobs in the order in which they start; MOST at most."""
        unseen = hand().is_alone()
        ids = _ask(partial(queries.next_ids, limit=_most(limit), paused=True, unseen=unseen))
        return _ask(partial(queries.some, ids=ids))

    def flush_queue(self) -> None:
        """Cancel every job that is queued now."""
        self._flush([State.QUEUED])

    def schedule_size(self) -> int:
        """Return how many jobs wait for their time."""
        return _ask(partial(queries.schedule_size, unseen=hand().is_alone()))

    def scheduled_items(self, limit: int | None = None) -> list[WaitingJob]:
        """Return jobs that wait for their time, the earliest first; MOST at most."""
        return _ask(partial(queries.scheduled, limit=_most(limit), unseen=hand().is_alone()))

    def read_schedule(self, ts: datetime) -> list[WaitingJob]:
        """Queue what is to run by `ts`, as if that time had come. Return those jobs."""
        until = aware(ts, utc=self._utc)
        ids = _ask(
            partial(waiting_jobs_store.read, until=until, limit=MOST, unseen=hand().is_alone())
        )
        found = _ask(partial(queries.some, ids=ids))
        return sorted(found, key=lambda job: (job.run_at, job.claim.id))

    def flush_schedule(self) -> None:
        """Cancel every job that waits for its time now."""
        self._flush(SCHEDULED)

    def _flush(self, states: Sequence[str]) -> None:
        """Cancel in rounds: the callback of a chord is made by the end of its members."""
        for _ in range(FLUSH_ROUNDS):
            found = partial(queries.some_ids, states=list(states), until=_ask(watermarks.now))
            if not _ask(found):
                return
            while (ids := _ask(found)) and _cancel(ids):
                pass

    # Results and values.

    def put_data(self, key: str, value: bytes, is_result: bool = False) -> None:
        """Keep a value."""
        _ask(partial(store.put, key=_key(key), value=value))

    def keep(self, key: str, value: bytes, *, ttl_s: float) -> None:
        """Keep a value for some seconds."""
        _ask(partial(store.put, key=_key(key), value=value, ttl_s=ttl_s))

    def peek_data(self, key: str) -> Any:
        """Return a job's result or a value; EmptyData when there is none."""
        if results.is_job_id(key):
            return results.raw(key, early=self._early(), peek=True)
        return self.peek_many([key]).get(key, EmptyData)

    def peek_many(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Return those of `keys` that hold a value."""
        return _ask(partial(values.found, keys=list(map(_key, keys))))

    def pop_data(self, key: str) -> Any:
        """Return what `peek_data` returns, to the first caller only."""
        if results.is_job_id(key):
            return results.raw(key, early=self._early(), peek=False)
        found = _ask(partial(store.pop, key=_key(key)))
        return EmptyData if found is None else found

    def has_data_for_key(self, key: str) -> bool:
        """Return True if `peek_data` would find something."""
        return self.peek_data(key) is not EmptyData

    def put_if_empty(self, key: str, value: bytes, ttl: float | None = None) -> bool:
        """Keep a value, for `ttl` seconds, unless there is one. Return True if there was none."""
        return _ask(partial(store.put_if_empty, key=_key(key), value=value, ttl_s=ttl))

    def incr(self, key: str, amount: int = 1) -> int:
        """Add to a counter. Return its new value."""
        if amount == 0:
            return _ask(partial(values.counter, key=key))
        return _ask(partial(store.increase, key=key, amount=amount))

    def delete_counter(self, key: str) -> None:
        """Delete a counter."""
        _ask(partial(store.delete_counter, key=key))

    def result_store_size(self) -> int:
        """Return how many results nobody has taken, and values; stops counting results at a limit."""
        kept = _ask(partial(values.count, but=results.FLUSHED))
        return kept + results.count(early=self._early())

    def result_items(self) -> dict[str, bytes]:
        """Return results that nobody has taken, and values, by key."""
        kept = _ask(partial(values.everything, limit=MOST))
        kept.pop(results.FLUSHED, None)
        return kept | results.everything(early=self._early())

    def flush_results(self) -> None:
        """Delete all values and locks; results stay with their jobs, but can no longer be read."""
        _ask(store.flush)
        _ask(partial(store.put, key=results.FLUSHED, value=b""))
        _ask(locks.flush)

    def flush_counters(self) -> None:
        """Do nothing: counters are deleted with the values."""

    # Waiting.

    def wait_for(
        self, ids: Iterable[str], *, backoff: float = 1.15, max_delay_s: float = 1.0
    ) -> ResultWait:
        """Return a wait for the ends of these jobs."""
        return ResultWait(self.channels, ids, backoff=backoff, max_delay_s=max_delay_s)

    def wait_result(
        self, key: str, timeout: float | None = None, backoff: float = 1.15, max_delay: float = 1.0
    ) -> bool:
        """Wait until a job has ended. Return False when that takes longer than `timeout` seconds.

        Raises TaskException, with the reason, for a job that ended and never had a result.
        """
        if not results.is_job_id(key):
            return bool(super().wait_result(key, timeout, backoff, max_delay))
        wait = self.wait_for([key], backoff=backoff, max_delay_s=max_delay)
        return result_wait.until(partial(self.is_over, key), wait, timeout_s=timeout)

    def is_over(self, job_id: str, has_ended: bool = False) -> bool:
        """Return True if the result of a job can be read; `has_ended`: its end was published.

        Raises TaskException.
        """
        found = results.standing(job_id, early=self._early())
        if found is None and not self.peek_many([job_id]):
            if has_ended:
                raise _without_result(job_id, "removed when it ended")
            return False
        if found is None:
            return True
        if found.is_over and found.answer is None and found.state != State.COMPLETED:
            raise _without_result(job_id, found.state)
        return found.is_over or found.is_ready


def _without_result(job_id: str, end: str) -> TaskException:
    reason = f"The job was {end} and has no result."
    return TaskException({"error": reason, "task_id": job_id, "retries": 0, "traceback": ""})


def _cancel(ids: list[str]) -> bool:
    """Cancel those that still wait. Return True if there were any."""
    cancelled = database.repeatable(audited(partial(cancel, ids=ids), _event), atomic=True)
    accept.forget(cancelled.jobs)
    accept.ring(cancelled.following)
    return bool(cancelled.jobs)


def _event(cancelled: Cancelled) -> AuditRecord:
    targets, after = [job.id for job in cancelled.jobs], {"state": State.CANCELLED}
    return AuditRecord(actor="flush", verb="cancel", kind="job", targets=targets, after=after)


def _ask(work: Callable[[Cursor], T]) -> T:
    return database.repeatable(work)


def _key(key: str | bytes) -> str:
    return key.decode() if isinstance(key, bytes) else key


def _most(limit: int | None) -> int:
    return MOST if limit is None else max(0, min(limit, MOST))
