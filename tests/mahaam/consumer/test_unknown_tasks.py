"""Jobs of tasks that one consumer knows and another does not, as in any deploy."""

from __future__ import annotations

import pytest

from mahaam import enqueue, task
from mahaam.core.errors import OptionNotValid, UnknownTask
from mahaam.enqueuing import catalog
from mahaam.jobs import task_registry
from tests.mahaam import tasks as jobs
from tests.mahaam.rows import a_job, a_worker
from tests.mahaam.stage import Stage
from tests.waiting import wait_until

NEW = "tests.mahaam.tasks,tests.mahaam.new_module"
FRESH = "'tests.mahaam.new_module.fresh'"


def fresh(stage: Stage, count: int) -> list[str]:
    """Jobs of a task that only new consumers know."""
    return [a_job(stage, task=FRESH, priority="9") for _ in range(count)]


def states(stage: Stage) -> set[str]:
    return {row["state"] for row in stage.ask("SELECT DISTINCT state FROM job")}


def test_they_are_left_to_the_consumer_that_knows_the_task(empty_stage: Stage) -> None:
    stage = empty_stage
    with (
        stage.consumer("-w", "8", unknown_task_grace_s=120).wait_ready() as old,
        stage.consumer("-w", "1", task_modules=NEW, unknown_task_grace_s=120).wait_ready() as new,
    ):
        fresh(stage, 120)
        with stage.here():
            own = [str(enqueue(jobs.nothing).id) for _ in range(20)]
        stage.wait_for_ends(timeout_s=60)
        assert states(stage) == {"completed"}
        assert all(stage.job(id_)["attempt"] == 1 for id_ in own)
        # The old one starts a few before it knows better, and takes none twice.
        released = stage.ask("SELECT job_id FROM attempt WHERE outcome <> 'completed'")
        assert len(released) <= 8
        assert stage.count("retry_count > 0 OR crash_count > 0") == 0
        assert not stage.ask("SELECT FROM unknown_task")
        assert old.stop() == new.stop() == 0
    assert "WARNING" not in old.log
    assert "ERROR" not in old.log + new.log


def test_one_that_nobody_knows_waits_for_a_consumer_that_comes(empty_stage: Stage) -> None:
    stage = empty_stage
    with stage.consumer(unknown_task_grace_s=300).wait_ready() as old:
        (id_,) = fresh(stage, 1)
        wait_until(lambda: stage.job(id_)["run_at"] is not None, timeout_s=20)
        wait_until(lambda: stage.ask("SELECT FROM unknown_task"), timeout_s=20)
        with stage.consumer(task_modules=NEW).wait_ready() as new:
            stage.wait_for_state(id_, "completed", timeout_s=60)
            assert new.stop() == 0
        assert old.stop() == 0
    assert old.log.count("No live worker knows the task") == 1
    assert stage.job(id_)["retry_count"] == 0


def test_one_that_nobody_knows_fails_after_the_grace(empty_stage: Stage) -> None:
    stage = empty_stage
    with stage.consumer(unknown_task_grace_s=2).wait_ready() as consumer:
        (id_,) = fresh(stage, 1)
        stage.wait_for_state(id_, "failed", timeout_s=60)
        assert consumer.stop() == 0
    (letter,) = stage.letters(id_)
    assert letter["error_class"] == "UnknownTask"
    assert "No live worker knows it." in letter["error_message"]
    waited = stage.ask("SELECT seen_at - since > interval '1.9 s' AS is_long FROM unknown_task")
    assert waited == [{"is_long": True}]


def test_a_worker_of_other_queues_or_a_lost_one_knows_nothing(empty_stage: Stage) -> None:
    stage = empty_stage
    stage.ask("DELETE FROM unknown_task")
    for state, queues, lease_s in (("running", "{emails}", 60), ("running", "{}", -5)):
        id_ = a_worker(stage, state=state, lease_s=lease_s)
        stage.ask(
            "UPDATE worker SET tasks = %s, queues = %s WHERE id = %s",
            ["tests.mahaam.new_module.fresh"], queues, id_,
        )  # fmt: skip
    with stage.consumer(unknown_task_grace_s=1).wait_ready() as consumer:
        (id_,) = fresh(stage, 1)
        stage.wait_for_state(id_, "failed", timeout_s=60)
        assert consumer.stop() == 0
    stage.ask("DELETE FROM worker")


def test_rows_with_a_former_name_of_a_task_run(empty_stage: Stage) -> None:
    stage = empty_stage
    with stage.consumer(task_modules=NEW).wait_ready() as new:
        id_ = a_job(stage, task="'tests.mahaam.old_module.stale'")
        stage.wait_for_state(id_, "completed", timeout_s=60)
        assert new.stop() == 0
    assert not stage.ask("SELECT task FROM unknown_task WHERE task LIKE '%stale'")


def test_a_former_name_is_found_where_a_person_types_it() -> None:
    from tests.mahaam import new_module

    assert catalog.find("tests.mahaam.old_module.stale").name == "tests.mahaam.new_module.fresh"
    assert "tests.mahaam.old_module.stale" not in [card.name for card in catalog.all_tasks()]
    new_module.fresh.unregister()
    try:
        with pytest.raises(UnknownTask):
            catalog.find("tests.mahaam.old_module.stale")
    finally:
        task_registry.add(new_module.fresh)


@pytest.mark.parametrize("aliases", ["shop.jobs.old", ("",), (3,), 3])
def test_former_names_are_names(aliases: object) -> None:
    with pytest.raises(OptionNotValid, match="aliases must be names"):
        task(aliases=aliases)(jobs.nothing.func)
