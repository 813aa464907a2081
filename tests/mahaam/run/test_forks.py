"""Tasks that fork: the child is the task's alone, and never a second consumer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from mahaam import enqueue
from tests.mahaam import rough_jobs
from tests.mahaam import tasks as jobs
from tests.mahaam.conftest import MakeStage
from tests.mahaam.scenario_run import Enqueue, Scenarios, told
from tests.mahaam.stage import Stage

MODULES = "tests.mahaam.tasks,tests.mahaam.rough_jobs"
FALLS = ("return", "raise", "exit")
PROGRAMS = 20


def falls_out(file: Path, how: str) -> Enqueue:
    return lambda stage: enqueue(rough_jobs.fork_and_fall_out, (str(file), how)).id


def falls_out_apart(file: Path) -> Enqueue:
    return lambda stage: enqueue(rough_jobs.fork_apart, (str(file), "return")).id


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where children write down who they are."""
    return tmp_path_factory.mktemp("forks") / "children"


@pytest.fixture(scope="module")
def scenarios(make_stage: MakeStage, file: Path) -> Iterator[Scenarios]:
    plan: dict[str, Enqueue] = {how: falls_out(file, how) for how in FALLS}
    plan |= {
        "apart": falls_out_apart(file),
        "process": lambda stage: enqueue(rough_jobs.use_a_process).id,
        "ends a process": lambda stage: enqueue(rough_jobs.end_a_process).id,
        "pool apart": lambda stage: enqueue(rough_jobs.use_a_pool_apart).id,
        "programs": lambda stage: enqueue(rough_jobs.start_programs, (PROGRAMS,)).id,
        **{f"nap {number}": lambda stage: enqueue(jobs.nap, (0.2,)).id for number in range(20)},
    }
    with make_stage() as stage, stage.here(), told(stage, plan, task_modules=MODULES) as scenarios:
        yield scenarios


def test_the_childs_end_is_the_tasks_and_the_job_the_parents(scenarios: Scenarios) -> None:
    found = {how: scenarios.job(how) for how in (*FALLS, "apart")}

    assert {how: row["state"] for how, row in found.items()} == dict.fromkeys(found, "completed")
    assert {how: row["result"] for how, row in found.items()} == {
        "return": 0, "raise": 1, "exit": 0, "apart": 0,
    }  # fmt: skip
    assert all(row["attempt"] == 1 for row in found.values())
    assert "ValueError: in the child" in scenarios.consumer.log


def test_each_child_ended_and_none_went_on_as_a_consumer(scenarios: Scenarios, file: Path) -> None:
    children = [int(line) for line in file.read_text().split()]

    assert len(children) == len(FALLS) + 1
    assert not [pid for pid in children if psutil.pid_exists(pid)]
    assert scenarios.consumer.log.count("Consumer ready.") == 1
    assert scenarios.stage.ask("SELECT count(*) AS workers FROM worker")[0]["workers"] == 1


def test_the_parents_connections_survive(scenarios: Scenarios) -> None:
    assert {scenarios.job(name)["state"] for name in scenarios.ids} == {"completed"}
    assert {scenarios.job(name)["attempt"] for name in scenarios.ids} == {1}
    for sentence in (" is away", "Lease lost", "Beat failed", "Late result", "died", "ERROR"):
        assert sentence not in scenarios.consumer.log


def test_a_process_of_a_task_works_and_its_enqueues_are_its_jobs(scenarios: Scenarios) -> None:
    child, words, made, code, parent = scenarios.job("process")["result"]

    assert (words, code) == ("from below", 0)
    assert child != parent == scenarios.consumer.pid
    assert scenarios.stage.job(made)["state"] == "completed"
    assert str(scenarios.stage.job(made)["parent_id"]) == scenarios.ids["process"]


def test_a_process_of_a_task_can_be_ended(scenarios: Scenarios) -> None:
    assert scenarios.job("ends a process")["result"] == -15


def test_a_pool_works_in_a_process_of_its_own(scenarios: Scenarios) -> None:
    assert scenarios.job("pool apart")["result"] == [0, 2, 4, 6]


def test_programs_start_as_ever(scenarios: Scenarios) -> None:
    assert scenarios.job("programs")["result"] == [str(number) for number in range(PROGRAMS)]


def test_a_child_does_not_keep_a_consumer_from_ending(stage: Stage, tmp_path: Path) -> None:
    file = tmp_path / "child"
    plan = {"sleeps": falls_out(file, "sleep")}
    with told(
        stage, plan, "--shutdown-timeout", "0", timeout_s=1, task_modules=MODULES
    ) as scenarios:
        assert scenarios.consumer.stop() == 0
        child = psutil.Process(int(file.read_text()))
        child.kill()
        child.wait(10)
        assert scenarios.job("sleeps")["state"] == "queued"
