"""Huey's `lock_task`, kept in PostgreSQL: a lock ends with the lease of the worker that holds it."""

from __future__ import annotations

import logging
import threading
from functools import partial
from types import TracebackType
from typing import Any
from uuid import uuid4

from huey.api import TaskLock
from huey.exceptions import TaskLockedException

from mahaam.core.errors import DatabaseUnavailable
from mahaam.postgres import database
from mahaam.run.run import current_run
from mahaam.store import locks
from mahaam.store.locks import Holder

log = logging.getLogger("mahaam.lock")


class DurableLock(TaskLock):  # type: ignore[misc]  # Huey has no types
    """A lock with a name; decorator and context manager. In immediate mode it is Huey's own."""

    def __init__(self, huey: Any, name: str, ttl: float | None = None) -> None:
        super().__init__(huey, name, ttl)
        self._mine = threading.local()  # greenlets and threads share a decorator's lock

    def acquire(self) -> bool:
        """Acquire the lock. Return True. Raises TaskLockedException when somebody else holds it."""
        if self._huey.immediate:
            return bool(super().acquire())
        holder = _holder()
        take = partial(locks.acquire, name=self._key, holder=holder, ttl_s=self._ttl)
        if not database.repeatable(take):
            raise TaskLockedException(f"unable to acquire lock {self._name}")
        self._mine.holder = holder.id
        return True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._huey.immediate:
            super().__exit__(kind, fault, traceback)
            return
        release = partial(locks.release, name=self._key, holder_id=self._mine.holder)
        try:
            database.repeatable(release)
        except DatabaseUnavailable as away:
            if current_run() is None:
                raise
            log.warning(
                "A lock is released by the end of its job. lock=%s fault=%s", self._key, away
            )

    def is_locked(self) -> bool:
        """Return True if somebody holds it now."""
        if self._huey.immediate:
            return bool(super().is_locked())
        return database.repeatable(partial(locks.holds, name=self._key))

    locked = is_locked

    def clear(self) -> bool:
        """Take the lock away from its holder. Return True if there was one."""
        if self._huey.immediate:
            return bool(super().clear())
        return bool(database.repeatable(partial(locks.clear, names=[self._key])))

    release = clear


def _holder() -> Holder:
    run = current_run()
    if run is None:
        return Holder(str(uuid4()))
    claim = run.claim
    return Holder(str(uuid4()), claim.id, claim.attempt, claim.worker_id)
