"""How long it takes to retry 100,000 failed jobs by filter, to cancel as many and to undo that.

And how long a lock is held for it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from bench.figure import Figure, at_most, spread
from bench.servers import BenchServers
from bench.waiting import running_consumer

JOBS = 100_000
OTHERS = 1_000_000  # completed, beside them
TARGET_S = 15.0
UNDO_TARGET_S = 20.0
LOCK_TARGET_S = 1.0
FILL = """
INSERT INTO job (id, task, queue, state, args, kwargs, queued_at, started_at, finished_at, worker_id,
                 created_at, attempt, error)
SELECT uuidv7(-interval '1 day' + number * interval '10 milliseconds'), 'bench.noop.noop', 'default',
       %s, '[1]', '{"order_id": 1}', now(), now(), now(), gen_random_uuid(), now(), 1,
       'ValueError: something is wrong with this one'
FROM generate_series(1, %s) AS number
"""
BURY = """
INSERT INTO dead_letter (job_id, attempt, task, queue, error_class, error_message, traceback,
                         first_error_class, first_error_message, first_traceback, fingerprint,
                         retry_count)
SELECT id, attempt, task, queue, 'E', 'wrong', 'T', 'E', 'wrong', 'T', 'f', 3
FROM job WHERE state = 'failed'
"""
PAUSE = "UPDATE queue SET paused_at = now()"
START = """
from mahaam import verbs
from mahaam.search.job_filter import JobFilter
print(verbs.start(verbs.Order("retry", "bench"), JobFilter(state="failed", queue="default")))
"""
CANCEL = """
from mahaam import verbs
from mahaam.search.job_filter import JobFilter
print(verbs.start(verbs.Order("cancel", "bench"), JobFilter(state="scheduled")))
"""
UNDO = """
import sys
from mahaam import verbs
verbs.undo(int(sys.argv[1]), by="bench")
"""
STATE = "SELECT state, done, refused FROM operation WHERE id = %s"
UNDONE = "SELECT state, undone, kept FROM operation WHERE id = %s"
# Scheduled, and as people meet them: in tables that were last analysed when they were empty.
WAIT = """
INSERT INTO job (id, task, queue, state, run_at)
SELECT uuidv7(), 'bench.noop.noop', 'default', 'scheduled', now() + interval '1 day'
FROM generate_series(1, %s)
"""
EMPTY = "TRUNCATE job, attempt, dead_letter, operation, operation_result CASCADE"
ANALYZE = "ANALYZE job, attempt, dead_letter, operation, operation_result"
SAME = "SELECT count(*) FROM job WHERE state = 'scheduled' AND run_at IS NOT NULL AND finished_at IS NULL"
# The longest that any transaction which changes jobs has been open.
HELD = """
SELECT coalesce(extract(epoch FROM max(clock_timestamp() - xact_start)), 0)::float8
FROM pg_stat_activity
WHERE backend_xid IS NOT NULL AND datname = current_database() AND pid <> pg_backend_pid()
"""


class LockWatch:
    """Looks often for how long writing transactions stay open, while it is watching."""

    def __init__(self, servers: BenchServers) -> None:
        self._servers = servers
        self._is_over = threading.Event()
        self.longest_s = 0.0

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Look until the block ends."""
        thread = threading.Thread(target=self._look)
        thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            thread.join()

    def _look(self) -> None:
        with closing(self._servers.connect()) as link, link.cursor() as cursor:
            while not self._is_over.wait(0.05):
                cursor.execute(HELD)
                (held_s,) = cursor.fetchone()
                self.longest_s = max(self.longest_s, held_s)


def figures(servers: BenchServers, rounds: int) -> Iterator[Figure]:
    """An operation from its start to its end, with one consumer, beside a million other jobs."""
    servers.use("operations")
    servers.run(FILL, "completed", OTHERS)
    times, locks = [], []
    for _ in range(min(rounds, 3)):
        took_s, held_s = _round(servers)
        times.append(took_s)
        locks.append(held_s)
    yield at_most(
        "retrying 100,000 failed jobs by filter",
        max(times),
        TARGET_S,
        unit="s",
        detail=f"{spread(times, digits=1)} s",
    )
    yield at_most(
        "longest transaction that holds locks meanwhile",
        max(locks),
        LOCK_TARGET_S,
        unit="s",
        detail=f"{spread(locks, digits=2)} s",
    )
    yield from _undoing(servers, min(rounds, 3))


def _undoing(servers: BenchServers, rounds: int) -> Iterator[Figure]:
    """Cancelling and undoing where no statistics help."""
    servers.use("undoing")
    measured = [_undo_round(servers) for _ in range(rounds)]
    cancels, undos, locks = ([one[place] for one in measured] for place in range(3))
    yield at_most(
        "cancelling 100,000 waiting jobs by filter, in tables analysed when empty",
        max(cancels),
        TARGET_S,
        unit="s",
        detail=f"{spread(cancels, digits=1)} s",
    )
    yield at_most(
        "undoing that right after",
        max(undos),
        UNDO_TARGET_S,
        unit="s",
        detail=f"{spread(undos, digits=1)} s",
    )
    yield at_most(
        "longest transaction that holds locks meanwhile",
        max(locks),
        LOCK_TARGET_S,
        unit="s",
        detail=f"{spread(locks, digits=2)} s",
    )


def _undo_round(servers: BenchServers) -> tuple[float, float, float]:
    """Seconds of the cancelling, of the undoing, and of the longest lock."""
    for sql in (EMPTY, ANALYZE):
        servers.run(sql)
    servers.run(WAIT, JOBS)
    watch = LockWatch(servers)
    with running_consumer(servers):
        id_ = servers.output("-c", CANCEL)
        began = time.monotonic()
        with watch.watching():
            _wait_for(servers, STATE, id_, ("finished", JOBS, 0))
            cancel_s = time.monotonic() - began
            servers.output("-c", UNDO, id_)
            began = time.monotonic()
            _wait_for(servers, UNDONE, id_, ("undone", JOBS, 0))
            undo_s = time.monotonic() - began
    assert servers.run(SAME) == [(JOBS,)], "something is not as it was"
    return cancel_s, undo_s, watch.longest_s


def _wait_for(
    servers: BenchServers, sql: str, operation_id: str, expected: tuple[str, int, int]
) -> None:
    while servers.run(sql, operation_id) != [expected]:
        time.sleep(0.1)


def _round(servers: BenchServers) -> tuple[float, float]:
    servers.run("DELETE FROM job WHERE state <> 'completed'")
    servers.run(FILL, "failed", JOBS)
    servers.run(BURY)
    servers.run("VACUUM ANALYZE job")
    servers.run(PAUSE)  # what is measured is the retrying, not the running
    watch = LockWatch(servers)
    consumer = servers.python("huey_consumer.py")
    try:
        while not servers.run("SELECT 1 FROM worker WHERE state = 'running'"):
            time.sleep(0.05)
        operation_id = servers.output("-c", START)
        began = time.monotonic()
        with watch.watching():
            _wait_for(servers, STATE, operation_id, ("finished", JOBS, 0))
        return time.monotonic() - began, watch.longest_s
    finally:
        consumer.terminate()
        consumer.wait()
