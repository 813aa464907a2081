"""Operations are forgotten when their time is over, the oldest first, with their results."""

from __future__ import annotations

import pytest

from mahaam.operations.pruning import prune
from mahaam.postgres import database
from mahaam.store.pruning import PruneStep
from tests.factory import Sql
from tests.mahaam.stage import Stage
from tests.waiting import wait_until


@pytest.fixture(autouse=True)
def _empty(empty_stage: Stage) -> None:
    empty_stage.ask("DELETE FROM operation")


def operation(stage: Stage, state: str = "finished", days: float = 91, results: int = 0) -> int:
    then = Sql(f"now() - {days} * interval '1 day'")
    id_ = stage.add(
        "operation", state=state,
        finished_at=None if state in ("running", "waiting") else then,
        undone_by="bob" if state in ("undoing", "undone") else None,
        undone_at=then if state == "undone" else None,
    )  # fmt: skip
    if results:
        stage.add("operation_result", count=results, operation_id=id_)
    return int(id_)


def step(days: int = 90, limit: int = 100) -> PruneStep:
    return database.repeatable(lambda cursor: prune(cursor, days=days, limit=limit), atomic=True)


def left(stage: Stage) -> list[int]:
    return [row["id"] for row in stage.ask("SELECT id FROM operation ORDER BY id")]


@pytest.mark.parametrize(
    ("state", "days", "is_deleted"),
    [
        ("finished", 91, True),
        ("finished", 89, False),
        ("aborted", 91, True),
        ("undone", 91, True),
        ("undone", 89, False),
        ("undoing", 91, False),
        ("running", 91, False),
        ("waiting", 91, False),
    ],
)
def test_an_operation_is_kept_for_so_many_days_after_its_end(
    stage: Stage, state: str, days: float, is_deleted: bool
) -> None:
    id_ = operation(stage, state, days)
    step()
    assert left(stage) == ([] if is_deleted else [id_])


def test_results_go_a_few_at_a_time_and_the_operation_with_the_last(stage: Stage) -> None:
    old, young = operation(stage, results=5), operation(stage, days=1, results=2)
    assert step(limit=3) == PruneStep(0, is_over=False)
    assert left(stage) == [old, young]
    assert step(limit=3) == PruneStep(1, is_over=False)
    assert step(limit=3) == PruneStep(0, is_over=True)
    assert left(stage) == [young]
    assert len(stage.ask("SELECT number FROM operation_result")) == 2


def test_for_ever_is_for_ever(stage: Stage) -> None:
    id_ = operation(stage, days=4000)
    assert step(days=0) == PruneStep(0, is_over=True)
    assert left(stage) == [id_]


def test_one_that_somebody_works_on_stays_and_nobody_waits(stage: Stage) -> None:
    busy, other = operation(stage), operation(stage)
    with database.transaction() as cursor:
        cursor.execute("SELECT FROM operation WHERE id = %s FOR UPDATE", (busy,))
        assert step().deleted == 1
    assert left(stage) == [busy]
    assert other != busy


def test_a_consumer_forgets_them_by_itself(stage: Stage) -> None:
    operation(stage, results=250)
    kept = operation(stage, days=1)
    with stage.consumer():
        wait_until(lambda: left(stage) == [kept], timeout_s=15)
