"""Operations that do not move: which they are, that the log says so, and that others go on meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import psycopg2
import pytest

from mahaam import verbs
from mahaam.config import PROJECT_DIR
from mahaam.consumer.maintenance import operation_runner
from mahaam.operations import lifecycle
from mahaam.operations.stalled import stalled_operations
from mahaam.postgres import database
from mahaam.postgres.ask import by_cursor
from mahaam.search.job_filter import JobFilter
from mahaam.verbs import OperationRequest
from tests.mahaam import rows
from tests.mahaam.stage import Stage
from tests.waiting import wait_until

LONG_AGO = "UPDATE operation SET moved_at = now() - interval '40 s' WHERE id = ANY(%s)"


@pytest.fixture(autouse=True)
def _no_operations(empty_stage: Stage) -> None:
    empty_stage.ask("DELETE FROM operation; DELETE FROM worker")


def an_operation(stage: Stage, task: str = "'t'") -> int:
    rows.a_job(stage, "failed", task=task)
    return verbs.start(
        OperationRequest("retry", "ann"), JobFilter(state="failed", task=task.strip("'"))
    )


def stalled() -> list[int]:
    return [
        op.id for op in database.repeatable(lambda cursor: stalled_operations(by_cursor(cursor)))
    ]


def state_of(stage: Stage, id_: int) -> str:
    return str(stage.ask("SELECT state FROM operation WHERE id = %s", id_)[0]["state"])


def test_an_operation_that_has_not_moved_for_half_a_minute_is_stalled(empty_stage: Stage) -> None:
    old, new = an_operation(empty_stage), an_operation(empty_stage)

    empty_stage.ask(LONG_AGO, [old])
    assert stalled() == [old]

    empty_stage.ask(
        "UPDATE operation SET state = 'finished', finished_at = now() WHERE id = %s", old
    )
    assert stalled() == []
    assert state_of(empty_stage, new) == "waiting"


def test_an_undo_that_does_not_move_is_stalled(empty_stage: Stage) -> None:
    id_ = an_operation(empty_stage)
    lifecycle.work_on_next()
    empty_stage.ask("UPDATE operation SET state = 'undoing', undone_by = 'bob' WHERE id = %s", id_)
    empty_stage.ask(LONG_AGO, [id_])

    assert stalled() == [id_]


@pytest.mark.parametrize(("consumers", "expected"), [(0, 0), (1, 0), (2, 1)])
def test_one_that_waits_behind_a_moving_one_is_stalled_only_when_a_consumer_has_time_for_it(
    empty_stage: Stage, consumers: int, expected: int
) -> None:
    for _ in range(consumers):
        rows.a_worker(empty_stage)
    _moving, behind = an_operation(empty_stage), an_operation(empty_stage)
    empty_stage.ask(LONG_AGO, [behind])

    assert stalled() == [behind][:expected]


def test_each_chunk_moves_an_operation_and_so_does_the_wish_to_undo_it(
    empty_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "CHUNK", 1)
    for _ in range(3):
        rows.a_job(empty_stage, "scheduled")
    id_ = verbs.start(OperationRequest("cancel", "ann"), JobFilter(state="scheduled"))

    for step in (
        lifecycle.work_on_next,
        lifecycle.work_on_next,
        lambda: verbs.undo(id_, by="bob"),
    ):
        empty_stage.ask(LONG_AGO, [id_])
        step()
        if state_of(empty_stage, id_) == "running":
            lifecycle.work_on_next(chunk=10)
        assert stalled() == []


def held(stage: Stage, task: str) -> Any:
    """A transaction that holds the jobs of a task."""
    link = psycopg2.connect(stage.database_url)
    with link.cursor() as cursor:
        cursor.execute("SELECT FROM job WHERE task = %s FOR UPDATE", (task,))
    return link


def test_an_operation_that_waits_for_a_lock_is_said_and_the_others_go_on(
    empty_stage: Stage,
) -> None:
    stuck, free = an_operation(empty_stage, "'held'"), an_operation(empty_stage, "'free'")
    lock = held(empty_stage, "held")
    empty_stage.ask(LONG_AGO, [stuck])

    with empty_stage.consumer() as consumer:
        try:
            wait_until(lambda: state_of(empty_stage, free) == "finished", timeout_s=30)
            wait_until(
                lambda: f"An operation does not move. operation={stuck} verb=retry" in consumer.log,
                timeout_s=30,
            )
            assert state_of(empty_stage, stuck) == "waiting"
        finally:
            lock.close()
        wait_until(lambda: state_of(empty_stage, stuck) == "finished", timeout_s=30)


def test_a_chunk_that_is_given_up_names_its_operation(empty_stage: Stage) -> None:
    id_ = an_operation(empty_stage, "'held'")
    lock = held(empty_stage, "held")

    try:
        with pytest.raises(lifecycle.ChunkGivenUp) as caught:
            lifecycle.work_on_next()
    finally:
        lock.close()

    assert caught.value.operation_id == id_
    assert lifecycle.work_on_next(but=[id_]) is False
    assert lifecycle.work_on_next() is True


# Takes the operation as a consumer does, and is killed in the middle of a long statement of the chunk.
LONG_CHUNK = """
from mahaam.postgres import database
from mahaam.operations import store
from mahaam.operations import lifecycle
with database.transaction() as cursor:
    cursor.execute(lifecycle.PATIENCE)
    assert store.take(cursor) is not None
    print("taken", flush=True)
    cursor.execute("SELECT pg_sleep(14)")
"""
SLEEPERS = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND query LIKE '%pg_sleep(14)'
"""


def test_a_killed_consumers_statement_does_not_hold_its_operation(empty_stage: Stage) -> None:
    an_operation(empty_stage)
    killed = subprocess.Popen(
        [sys.executable, "-c", LONG_CHUNK],
        cwd=PROJECT_DIR, env=os.environ | empty_stage.settings(), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert killed.stdout is not None
    assert killed.stdout.readline() == "taken\n"
    wait_until(lambda: empty_stage.ask(SLEEPERS), timeout_s=20)
    assert lifecycle.work_on_next() is False

    killed.kill()
    killed.communicate()

    wait_until(lifecycle.work_on_next, timeout_s=10)


def test_a_chunk_may_not_go_on_for_ever(empty_stage: Stage) -> None:
    with database.transaction() as cursor:
        cursor.execute(lifecycle.PATIENCE)
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("15s",)
        cursor.execute("SHOW client_connection_check_interval")
        assert cursor.fetchone() == ("1s",)


def test_an_operation_that_does_not_move_is_said_again_after_a_while(
    empty_stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    id_ = an_operation(empty_stage)
    empty_stage.ask(LONG_AGO, [id_])
    watcher = operation_runner.OperationRunner()

    for _ in range(3):
        watcher._check_at = 0.0
        watcher._check()

    lines = [line for line in caplog.messages if "does not move" in line]
    assert len(lines) == 1
