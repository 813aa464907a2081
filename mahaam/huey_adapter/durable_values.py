"""What Huey keeps beside the jobs: results, revocations, locks and rate limits, all in PostgreSQL."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from functools import partial
from typing import Any

from huey import Huey
from huey.constants import EmptyData
from huey.utils import Error, normalize_time

from mahaam.core.errors import DatabaseUnavailable, MahaamError
from mahaam.core.payload import dump
from mahaam.huey_adapter.lock import DurableLock
from mahaam.huey_adapter.rate_limit import DurableRateLimit
from mahaam.huey_adapter.tasks.naive_times import aware
from mahaam.postgres import database
from mahaam.run.run import current_run
from mahaam.store import locks

log = logging.getLogger("mahaam.values")

KNOWN = ("retries", "traceback", "task_id")  # of an error's metadata; the row has these itself
METADATA_BYTES = 16_384
READABLE_S = 3600.0  # a revocation can be read for this long after it is over


class DurableValues(Huey):  # type: ignore[misc]  # Huey has no types
    """Huey's methods for values; in immediate mode they are Huey's own."""

    # Results live in the job's row.

    def put_result(self, key: str, data: Any) -> Any:
        """Note what Huey would store when a task has ended: part of the outcome."""
        run = current_run()
        if run is None:
            return super().put_result(key, data)
        if key == run.claim.id:
            run.keeps_result = True
            if isinstance(data, Error):
                run.error_metadata = _described(data.metadata)
        elif isinstance(data, Error):  # for a later task of the pipeline, which will never run
            run.follows.values.append((key, self.serializer.serialize(data)))
        return None

    def get_raw(self, key: str, peek: bool = False) -> Any:
        """Return what Huey would; for the job that has just ended here, what is about to be written."""
        run = current_run()
        if run is not None and key == run.claim.id:
            is_known = run.told and run.keeps_result and run.exception is None
            return self.serializer.serialize(run.value) if is_known else EmptyData
        return super().get_raw(key, peek)

    # Revocations cost nothing while there are none: the start of a job says whether there are.

    def revoke(self, task: Any, revoke_until: Any = None, revoke_once: bool = False) -> None:
        """Keep a job from being started, at all, once, or until a time."""
        self._revoke(task.revoke_id, revoke_until, revoke_once)

    def revoke_all(
        self, task_class: Any, revoke_until: Any = None, revoke_once: bool = False
    ) -> None:
        """Keep all jobs of a task from being started, at all, once, or until a time."""
        self._revoke(self._task_key(task_class, "rt"), revoke_until, revoke_once)

    def is_revoked(self, task: Any, timestamp: datetime | None = None, peek: bool = True) -> bool:
        """Return True if a job or all jobs of a task are revoked."""
        run = current_run()
        if not peek and run is not None and not run.claim.may_be_revoked:
            return False
        return bool(super().is_revoked(task, timestamp, peek))

    def delete(self, key: str) -> Any:
        """Delete a value. Return True if there was one."""
        run = current_run()
        if run is None or key != f"r:{run.claim.id}":
            return super().delete(key)
        try:
            return run.claim.may_be_revoked and super().delete(key)
        except DatabaseUnavailable as away:  # must not become the end of a job that went well
            log.warning("A revocation is deleted later. job=%s fault=%s", run.claim.id, away)
            return False

    def _revoke(self, key: str, until: Any, once: bool) -> None:
        if until is None or self._immediate:
            until = None if until is None else normalize_time(until, utc=self.utc)
            self.put(key, (until, once))
            return
        until = normalize_time(until, utc=self.utc)
        left_s = (aware(until, utc=self.utc) - datetime.now(UTC)).total_seconds()
        value = self.serializer.serialize((until, once))
        self.storage.keep(key, value, ttl_s=max(0.0, left_s) + READABLE_S)

    # Locks and limits.

    def lock_task(self, lock_name: str, ttl: float | None = None) -> DurableLock:
        """Return a lock that one holder has at a time; `ttl` in seconds."""
        return DurableLock(self, lock_name, ttl)

    def is_locked(self, lock_name: str) -> bool:
        """Return True if somebody holds a lock."""
        return self.lock_task(lock_name).is_locked()

    def flush_locks(self, *names: str) -> set[str]:
        """Take locks away from their holders: those known here and `names`.

        Return the names of those held.
        """
        flushed = set(super().flush_locks(*names))
        if self._immediate:
            return flushed
        keys = {*self._locks, *(f"{self.name}.lock.{name.strip()}" for name in names)}
        cleared = database.repeatable(partial(locks.clear, names=sorted(keys)))
        return flushed | {key.split(".lock.", 1)[-1] for key in cleared}

    def rate_limit(self, name: str, limit: int, per: float, retry: bool = True) -> DurableRateLimit:
        """Return a limit of `limit` starts in each window of `per` seconds."""
        return DurableRateLimit(self, name, limit, per, retry=retry)


def _described(metadata: dict[str, Any]) -> str | None:
    """Return, as JSON, the part of an error's metadata that is not in the row."""
    told = {name: value for name, value in metadata.items() if name not in KNOWN}
    try:
        return dump(told, what="The error's metadata", limit_bytes=METADATA_BYTES)
    except MahaamError as fault:
        log.warning("The metadata of an error cannot be kept. fault=%s", fault)
        return None
