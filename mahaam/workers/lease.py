"""A consumer's lease: renewed by a native thread, so that busy greenlets cannot lose it."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import TypeVar

import gevent
import psutil
import psycopg2
from gevent import monkey

from mahaam.config import get_settings
from mahaam.core.ids import new_id
from mahaam.core.liveness import Liveness
from mahaam.postgres import database
from mahaam.postgres.database import Connection, Cursor
from mahaam.set_aside import isolate
from mahaam.set_aside.isolate import GIVE_BACK
from mahaam.workers import store
from mahaam.workers.store import GivenBack, NewWorker
from mahaam.workers.watchdog import Watchdog

log = logging.getLogger("mahaam.lease")

T = TypeVar("T")

start_thread = monkey.get_original("_thread", "start_new_thread")
thread_id = monkey.get_original("_thread", "get_ident")
native_sleep = monkey.get_original("time", "sleep")

RETRY_S = 1.0
MARGIN_S = 1.0  # here a lease counts as over this much earlier than in PostgreSQL
TICK_S = 0.1
SLACK_S = 5.0  # beyond the time limit of a beat, until the thread counts as standing still
SILENT_S = 1.0  # greenlets that do not run for longer than this are blocked


class Lease:
    """Registers this process as a worker and renews its lease until it is closed.

    `held` lists the ids of jobs that this process claims, runs or settles at the moment.
    At `abandon_at` the thread releases all jobs and ends the process.
    """

    def __init__(
        self,
        *,
        queues: list[str],
        greenlets: int,
        held: Callable[[], list[str]],
        tasks: Sequence[str] = (),
    ) -> None:
        settings = get_settings()
        self._lease_s = settings.lease_s
        self._beat_s = settings.beat_s
        self._patience_s = max(settings.stop_grace_s, SILENT_S)
        self._held = held
        self.watchdog = Watchdog()
        self._connections: dict[int, Connection] = {}  # by thread: one may outlive its replacement
        self._closed = False
        self._is_leaving = False
        self._threads = 0  # threads that were started; the newest one beats
        self._is_dead = False
        self._liveness = Liveness()
        self._good_until = 0.0
        self._process = psutil.Process()
        self.lost = False
        self.abandon_at: float | None = None  # release everything and end the process at this time
        self.worker = NewWorker(
            id=new_id(),
            host=socket.gethostname(),
            pid=os.getpid(),
            version=_version(),
            queues=queues,
            greenlets=greenlets,
            tasks=tuple(tasks),
        )

    @property
    def worker_id(self) -> str:
        """Return the id under which jobs are claimed now."""
        return self.worker.id

    def is_valid(self) -> bool:
        """Return True if PostgreSQL counts this worker as alive, as far as is known here."""
        return not self.lost and time.monotonic() < self._good_until

    def open(self) -> None:
        """Register, then beat in a native thread. Raises psycopg2.Error."""
        self._register()
        self._drop()  # the thread opens a connection of its own
        self.keep()

    def keep(self) -> None:
        """Start a native thread that beats. An earlier one ends when it sees the new one."""
        self._threads += 1
        self._is_dead = False
        self._tick()
        start_thread(self._run, (self._threads,))

    def is_kept(self) -> bool:
        """Return True if the thread makes progress: between two ticks nothing takes longer than BEAT_S."""
        if self._closed:
            return True
        return not self._is_dead and self._liveness.silent_s() < self._beat_s + SLACK_S

    def renew(self) -> None:
        """Begin a lease under a new id, after all jobs of the lost one have been stopped."""
        self.worker = replace(self.worker, id=new_id())
        self._good_until = 0.0
        self.lost = False

    def resize(self, greenlets: int) -> None:
        """Set the number of greenlets with which a new lease is registered."""
        self.worker = replace(self.worker, greenlets=greenlets)

    def leave(self) -> None:
        """Stop beating. The worker's row will be marked stopped, which is no lost lease."""
        self._is_leaving = True

    def close(self) -> None:
        """Stop beating and end the thread."""
        self._closed = True

    # The native thread from here on.

    def _run(self, number: int) -> None:
        try:
            self._keep(number)
        except BaseException:  # the greenlets start another thread after any fault
            log.exception("The thread that renews the lease ended. worker=%s", self.worker.id)
        self._is_dead = number == self._threads

    def _tick(self) -> None:
        self._liveness.seen_at = time.monotonic()

    def _keep(self, number: int) -> None:
        next_beat, next_look = time.monotonic() + self._beat_s, 0.0
        while not self._closed and number == self._threads:
            self._tick()
            if self.abandon_at is not None and time.monotonic() >= self.abandon_at:
                self._abandon()
            if time.monotonic() >= next_beat or self._good_until == 0.0:
                next_beat = time.monotonic() + (self._beat_s if self._beat() else RETRY_S)
            if self.watchdog.silent_s() >= self._patience_s and time.monotonic() >= next_look:
                next_look = time.monotonic() + SILENT_S
                self._complain()
            native_sleep(TICK_S)

    def _beat(self) -> bool:
        """Renew the lease once. Return True if it was renewed."""
        worker_id, asked_at = self.worker.id, time.monotonic()
        if self.lost or self._is_leaving:
            return False
        try:
            if self._good_until == 0.0:
                with gevent.Timeout(self._beat_s):
                    self._register()
                return True
            memory_bytes = self._process.memory_info().rss
            with gevent.Timeout(self._beat_s), self._link().cursor() as cursor:
                state = store.beat(
                    cursor, worker_id, lease_s=self._lease_s, memory_bytes=memory_bytes
                )
        except (psycopg2.Error, gevent.Timeout) as fault:
            self._drop()
            log.warning(
                "Beat failed; trying again. worker=%s fault=%s", worker_id, str(fault).strip()
            )
            return False
        if state is None and self._is_leaving:
            return False
        if state is None:
            self.lost = True
            log.error(
                "Lease lost; the jobs here are stopped and run elsewhere. worker=%s", worker_id
            )
            return False
        self._good_until = asked_at + self._lease_s - MARGIN_S
        self._tick()
        self._disown(worker_id)
        self._tick()
        return True

    def _disown(self, worker_id: str) -> None:
        """Give back jobs that run here only in the table. A lock on their rows must not cost the lease."""
        try:
            with gevent.Timeout(self._beat_s):
                parts = isolate.handle(
                    self._atomic,
                    GIVE_BACK,
                    partial(store.disown, worker_id=worker_id, held=self._held()),
                    find=partial(store.running_of, worker_id=worker_id),
                )
        except (psycopg2.Error, gevent.Timeout) as fault:
            self._drop()
            log.warning(
                "Rows were not compared with what runs here; done with the next beat. fault=%s",
                str(fault).strip(),
            )
            return
        if disowned := [job for part in parts for job in part]:
            log.warning("Jobs said to run here and did not; given back. %s", by_state(disowned))

    def _complain(self) -> None:
        """Record on jobs that are to stop why they do not: no greenlet could record it."""
        try:
            with gevent.Timeout(self._beat_s), self._link().cursor() as cursor:
                ids = self.watchdog.complain(cursor, self.worker.id, grace_s=self._patience_s)
        except (psycopg2.Error, gevent.Timeout):
            self._drop()
            return
        if ids:
            log.warning(
                "Jobs cannot be stopped: a task computes and lets no other run. jobs=%s",
                ",".join(ids),
            )

    def _register(self) -> None:
        asked_at = time.monotonic()
        with self._link().cursor() as cursor:
            store.register(cursor, self.worker, lease_s=self._lease_s)
        self._good_until = asked_at + self._lease_s - MARGIN_S

    def _abandon(self) -> None:
        """Give all jobs back and end the process, for when no greenlet can do it any more."""
        try:
            parts = isolate.handle(
                self._atomic,
                GIVE_BACK,
                partial(store.release_all, worker_id=self.worker.id),
                find=partial(store.running_of, worker_id=self.worker.id),
            )
            released = [job for part in parts for job in part]
            self._atomic(partial(store.stop, worker_id=self.worker.id, state="stopped"))
            log.warning("Ended at once; jobs given back. %s", by_state(released))
        except psycopg2.Error as fault:
            log.error("Ended at once without PostgreSQL; its jobs are rescued. fault=%s", fault)
        finally:
            logging.shutdown()
            os._exit(0)

    def _atomic(self, work: Callable[[Cursor], T]) -> T:
        """Execute work whose statements commit together. Return what it returns."""
        try:
            with self._transaction() as cursor:
                return work(cursor)
        except psycopg2.Error:
            self._drop()
            raise

    @contextmanager
    def _transaction(self) -> Iterator[Cursor]:
        """Yield a cursor whose statements commit together. On a fault the caller drops the connection."""
        with self._link().cursor() as cursor:
            cursor.execute("BEGIN")
            yield cursor
            cursor.execute("COMMIT")

    def _drop(self) -> None:
        connection = self._connections.pop(thread_id(), None)
        if connection is not None:
            connection.close()

    def _link(self) -> Connection:
        connection = self._connections.get(thread_id())
        if connection is None or connection.closed:
            connection = database.open_link("mahaam beat", timeout_s=self._beat_s)
            self._connections[thread_id()] = connection
        return connection


def by_state(jobs: list[GivenBack]) -> str:
    """Return the ids of jobs by state, for the log: `queued=… cancelled=…`."""
    ids: dict[str, list[str]] = {}
    for job in jobs:
        ids.setdefault(job.state, []).append(job.id)
    return " ".join(f"{state}={','.join(found)}" for state, found in ids.items())


def _version() -> str:
    try:
        return version("mahaam")
    except PackageNotFoundError:
        return "development"
