"""PostgreSQL cannot write for a while: callers are told so, and nothing of it is left afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from threading import Barrier
from typing import Any

import psycopg2
import psycopg2.errors
import pytest
import sqlalchemy.exc

from mahaam import enqueue, enqueue_many, verbs
from mahaam.core.errors import DatabaseUnavailable
from mahaam.operations import lifecycle
from mahaam.operations.lifecycle import OperationRequest
from mahaam.postgres import database
from mahaam.postgres.database import Cursor
from mahaam.postgres.sqlstates import CONDITIONS, condition_of
from tests.mahaam import tasks as jobs
from tests.mahaam.stage import Stage
from tests.servers import owner_url
from tests.waiting import wait_until

SESSIONS = 6
END = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'mahaam%'
"""


def change_database(stage: Stage, setting: str) -> None:
    """Change what sessions begin with from now on."""
    writable = "-c default_transaction_read_only=off"
    with closing(psycopg2.connect(owner_url(stage.database_url), options=writable)) as owner:
        owner.autocommit = True
        with owner.cursor() as cursor:
            cursor.execute("SELECT current_database()")
            (name,) = cursor.fetchone()
            cursor.execute(f"ALTER DATABASE {name} {setting}")


@contextmanager
def read_only(stage: Stage) -> Iterator[None]:
    """All sessions that begin now may only read, as on a standby; those that are there end."""
    change_database(stage, "SET default_transaction_read_only = on")
    stage.ask(END)
    try:
        yield
    finally:
        change_database(stage, "RESET default_transaction_read_only")


def fill_pool() -> None:
    """Have SESSIONS open connections in the pool."""
    together = Barrier(SESSIONS, timeout=30)

    def hold(_: int) -> None:
        with database.connection():
            together.wait()

    with ThreadPoolExecutor(SESSIONS) as threads:
        list(threads.map(hold, range(SESSIONS)))


def two_together() -> object:
    return jobs.nothing.map([(), ()])


def an_operation() -> object:
    job = enqueue(jobs.nothing, delay=3600)
    return lifecycle.carry_out(OperationRequest("cancel", by="ann"), [job.id], wanted=None)


def a_cancel() -> object:
    return verbs.apply("cancel", [enqueue(jobs.nothing, delay=3600).id], by="ann")


WAYS: list[Callable[[], object]] = [
    lambda: enqueue(jobs.nothing),
    lambda: enqueue(jobs.nothing, dedupe_key="k"),
    lambda: enqueue_many(jobs.nothing, [()]),
    two_together,
    an_operation,
    a_cancel,
]


@pytest.mark.parametrize("way", WAYS)
def test_a_read_only_session_is_said_and_not_kept(
    empty_stage: Stage, way: Callable[[], object]
) -> None:
    fill_pool()
    with read_only(empty_stage):
        with pytest.raises(DatabaseUnavailable, match="read-only"):
            way()
        fill_pool()
    before = empty_stage.count()
    way()
    assert empty_stage.count() > before


@pytest.mark.parametrize("way", WAYS)
def test_after_a_restart_no_pooled_session_makes_anything_fail(
    empty_stage: Stage, way: Callable[[], object]
) -> None:
    fill_pool()
    assert len(empty_stage.ask(END)) >= SESSIONS
    for _ in range(SESSIONS):
        way()


def test_a_session_that_ends_in_the_middle_is_replaced_and_the_work_done_once(
    empty_stage: Stage,
) -> None:
    pids: list[int] = []

    def work(cursor: Cursor) -> str:
        cursor.execute("SELECT pg_backend_pid()")
        pids.append(cursor.fetchone()[0])
        if len(pids) == 1:
            empty_stage.ask("SELECT pg_terminate_backend(%s)", pids[0])
        cursor.execute("SELECT 'done'")
        return str(cursor.fetchone()[0])

    assert database.repeatable(work) == "done"
    assert len(set(pids)) == 2


def test_a_transaction_that_met_another_is_done_again(empty_stage: Stage) -> None:
    tries = iter((psycopg2.errors.DeadlockDetected, None))

    def work(cursor: Cursor) -> str:
        if next(tries) is not None:
            cursor.execute(
                "DO $$ BEGIN RAISE EXCEPTION 'met' USING ERRCODE = 'deadlock_detected'; END $$"
            )
        return "done"

    assert database.repeatable(work, atomic=True) == "done"


def raised(code: str) -> psycopg2.Error:
    """What psycopg2 raises for a SQLSTATE."""
    with database.connection() as link, link.cursor() as cursor:
        try:
            cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION 'so' USING ERRCODE = '{code}'; END $$")
        except psycopg2.Error as fault:
            return fault
    raise AssertionError("nothing was raised")


CODES = {
    "08006": "no_answer",
    "25006": "read_only",
    "25P03": "idle_too_long",
    "40001": "rolled_back",
    "40003": "completion_unknown",
    "40P01": "rolled_back",
    "53100": "out_of_resources",
    "53200": "out_of_resources",
    "53300": "too_many_connections",
    "55P03": "locked",
    "57014": "too_slow",
    "57P01": "stopping",
    "57P02": "stopping",
    "57P03": "stopping",
    "58030": "out_of_resources",
    "26000": "session_lost",
    "22003": None,
    "23505": None,
    "42P01": None,
    "55000": None,
}


@pytest.mark.parametrize(("code", "name"), CODES.items())
def test_each_sqlstate_is_the_same_condition_however_it_comes(
    stage: Stage, code: str, name: str | None
) -> None:
    fault = raised(code)
    assert fault.pgcode == code
    for shape in (fault, sqlalchemy.exc.DBAPIError("SELECT", {}, fault), because(fault)):
        condition = condition_of(shape)
        assert (condition and condition.name) == name


def because(fault: psycopg2.Error) -> BaseException:
    """An error of ours that was raised from it."""
    try:
        raise DatabaseUnavailable from fault
    except DatabaseUnavailable as ours:
        return ours


def test_each_condition_has_a_name_and_codes_of_its_own() -> None:
    names = [condition.name for condition in CONDITIONS]
    codes = [code for condition in CONDITIONS for code in condition.codes]
    assert len(set(names)) == len(names)
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("FATAL:  sorry, too many clients already", "too_many_connections"),
        ('FATAL:  too many connections for role "app"', "too_many_connections"),
        ("FATAL:  the database system is starting up", "stopping"),
        ("connection to server at 1.2.3.4 failed: session is read-only", "read_only"),
        ("could not translate host name", "no_answer"),
    ],
)
def test_what_is_said_while_a_connection_opens_is_understood(words: str, name: str) -> None:
    fault: Any = condition_of(psycopg2.OperationalError(words))
    assert fault.name == name


def test_a_consumer_lives_through_a_time_in_which_nothing_can_be_written(
    empty_stage: Stage,
) -> None:
    with empty_stage.consumer(log_level="INFO") as consumer:
        consumer.wait_ready()
        enqueue_many(jobs.nap, [(0.05,)] * 40)
        with read_only(empty_stage):
            wait_until(lambda: "PostgreSQL is read-only" in consumer.log, timeout_s=60)
        empty_stage.wait_for_ends(timeout_s=60)
        assert consumer.stop() == 0
    assert empty_stage.count("state = 'completed' AND attempt = 1") == 40
