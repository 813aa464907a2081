"""Enqueueing waits for its servers no longer than ENQUEUE_TIMEOUT_S, whatever hangs."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager

import psutil
import psycopg2
import pytest

from mahaam import enqueue, enqueue_in_transaction, enqueue_many
from mahaam.core.errors import DatabaseUnavailable
from tests.machine import within
from tests.mahaam import tasks as jobs
from tests.mahaam.stage import Stage
from tests.servers import TestServers, owner_url, running_servers
from tests.sessions import a_session
from tests.waiting import wait_until

PATIENCE_S = 1.0
Act = Callable[[], object]
HANGS_S = 30.0  # what is far from patience, also on a slow machine
ORPHANS = """
SELECT pid FROM pg_stat_activity
WHERE application_name LIKE 'mahaam%' AND state = 'active' AND wait_event_type = 'Lock'
"""


@pytest.fixture(scope="module")
def freezable() -> Iterator[TestServers]:
    """Servers that are stopped in their tracks."""
    with running_servers() as servers:
        yield servers


@pytest.fixture(scope="module")
def own_stage(freezable: TestServers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A stage on them, where this process enqueues with little patience."""
    stage = Stage(
        freezable.postgres.url, freezable.redis.url, "frozen", tmp_path_factory.mktemp("frozen")
    )
    with closing(stage), stage.here(enqueue_timeout_s=PATIENCE_S):
        enqueue(jobs.nothing)  # connections are open, names of queues are known
        yield stage


@contextmanager
def frozen(pid: int | None) -> Iterator[None]:
    """A server gets no turn; its sockets stay open."""
    server = psutil.Process(pid)
    processes = [server, *server.children()]
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            process.send_signal(signal.SIGCONT)


def frozen_postgres(servers: TestServers) -> AbstractContextManager[None]:
    """PostgreSQL in the middle of a breath."""
    return frozen(servers.postgres.pid)


@contextmanager
def locked_table(servers: TestServers) -> Iterator[None]:
    """Somebody holds the table of jobs for himself."""
    with closing(psycopg2.connect(owner_url(servers.postgres.url))) as holder:
        holder.cursor().execute("LOCK TABLE mahaam.job IN ACCESS EXCLUSIVE MODE")
        yield


@contextmanager
def one() -> Iterator[Act]:
    yield lambda: enqueue(jobs.nothing)


@contextmanager
def one_with_a_key() -> Iterator[Act]:
    yield lambda: enqueue(jobs.nothing, dedupe_key=str(time.monotonic_ns()))


@contextmanager
def many() -> Iterator[Act]:
    yield lambda: enqueue_many(jobs.nothing, [()] * 3)


@contextmanager
def two_together() -> Iterator[Act]:
    """As chords and pipelines are accepted."""
    yield lambda: jobs.nothing.map([(), ()])


@contextmanager
def in_a_transaction() -> Iterator[Act]:
    """The caller's own connection is open when the server begins to hang."""
    with a_session() as session:
        session.connection()

        def act() -> None:
            enqueue_in_transaction(session, jobs.nothing)
            session.commit()

        yield act
        session.invalidate()


WAYS = [one, one_with_a_key, many, two_together, in_a_transaction]
Way = Callable[[], AbstractContextManager[Act]]
Hang = Callable[[TestServers], AbstractContextManager[None]]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("hang", [frozen_postgres, locked_table])
def test_a_postgresql_that_hangs_refuses_jobs_within_the_patience(
    own_stage: Stage, freezable: TestServers, way: Way, hang: Hang
) -> None:
    with way() as act, hang(freezable):
        began_at = time.monotonic()
        with pytest.raises(DatabaseUnavailable):
            act()
        took_s = time.monotonic() - began_at
    assert took_s < within(HANGS_S)
    with way() as act:
        act()


@pytest.mark.parametrize("way", WAYS)
def test_a_redis_that_hangs_keeps_no_job_from_being_accepted(
    own_stage: Stage, freezable: TestServers, way: Way
) -> None:
    before = own_stage.count()
    with way() as act, frozen(freezable.redis.pid):
        began_at = time.monotonic()
        act()
        took_s = time.monotonic() - began_at
    assert took_s < within(HANGS_S)
    assert own_stage.count() > before


def test_what_nobody_waits_for_any_more_ends_in_postgresql(
    own_stage: Stage, freezable: TestServers
) -> None:
    with locked_table(freezable):
        for _ in range(3):
            with pytest.raises(DatabaseUnavailable):
                enqueue(jobs.nothing)
        wait_until(lambda: not own_stage.ask(ORPHANS), timeout_s=HANGS_S)
