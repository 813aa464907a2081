"""Tasks that are rough with their process: signal handlers, and asyncio in several at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mahaam import enqueue, verbs
from tests.machine import within
from tests.mahaam import rough_jobs
from tests.mahaam import tasks as jobs
from tests.mahaam.conftest import MakeStage
from tests.mahaam.consumer_process import Consumer
from tests.mahaam.scenario_run import Enqueue, Scenarios, told
from tests.mahaam.stage import Stage
from tests.waiting import wait_until

MODULES = "tests.mahaam.tasks,tests.mahaam.rough_jobs"
AT_ONCE = 6
ASYNC = {f"asyncio {number}": rough_jobs.run_asyncio for number in range(AT_ONCE)} | {
    "own loop": rough_jobs.run_a_loop_of_its_own,
    "apart": rough_jobs.run_asyncio_apart,
}


def touching(how: str) -> Enqueue:
    return lambda stage: enqueue(rough_jobs.touch_signals, (how,)).id


def running(name: str) -> Enqueue:
    return lambda stage: enqueue(ASYNC[name], (0.5,)).id


def failing(how: str) -> Enqueue:
    return lambda stage: enqueue(rough_jobs.fail_in_asyncio, (how,)).id


PLAN: dict[str, Enqueue] = {
    **{how: touching(how) for how in rough_jobs.TOUCHES},
    "limits by alarm": lambda stage: enqueue(rough_jobs.limit_by_alarm).id,
    "limits apart": lambda stage: enqueue(rough_jobs.limit_by_alarm_apart).id,
    **{name: running(name) for name in ASYNC},
    **{how: failing(how) for how in ("error", "exit")},
    "program": lambda stage: enqueue(rough_jobs.start_a_program_in_asyncio).id,
}


@pytest.fixture(scope="module")
def scenarios(make_stage: MakeStage) -> Iterator[Scenarios]:
    more = {"task_modules": MODULES}
    with make_stage() as stage, stage.here(), told(stage, PLAN, "-w", "12", **more) as scenarios:
        yield scenarios


@contextmanager
def consumer(stage: Stage, *arguments: str, **more: object) -> Iterator[Consumer]:
    stage.clear()
    with stage.consumer(*arguments, task_modules=MODULES, **more) as started:
        yield started.wait_ready()


@pytest.mark.parametrize("how", rough_jobs.TOUCHES)
def test_a_task_that_touches_signals_is_told(scenarios: Scenarios, how: str) -> None:
    answer = scenarios.job(how)["result"]

    assert answer.startswith("signal.")
    assert "are the consumer's. Limit the time with @task(timeout=…)" in answer
    assert "cpu_bound=True" in answer
    lines = "SELECT message FROM job_log WHERE job_id = %s"
    assert answer in [line["message"] for line in scenarios.stage.ask(lines, scenarios.ids[how])]


def test_a_limit_by_alarm_works_in_a_process_of_its_own_alone(scenarios: Scenarios) -> None:
    assert scenarios.job("limits apart")["result"] == "in time"
    refused = scenarios.letter("limits by alarm")
    assert refused["error_class"] == "mahaam.core.errors.SignalNotAllowed"
    assert "cpu_bound=True" in refused["error_message"]


def test_asyncio_runs_in_several_tasks_at_once(scenarios: Scenarios) -> None:
    for name in ASYNC:
        job = scenarios.job(name)
        assert job["state"] == "completed", scenarios.letter(name)["traceback"]
        assert [job["result"][0], job["result"][2]] == [scenarios.ids[name], True]
        assert str(scenarios.stage.job(job["result"][1])["parent_id"]) == scenarios.ids[name]
    spans = [scenarios.job(f"asyncio {number}") for number in range(AT_ONCE)]
    assert max(row["started_at"] for row in spans) < min(row["finished_at"] for row in spans)


def test_coroutines_are_heard_in_their_jobs_log(scenarios: Scenarios) -> None:
    said = "SELECT count(*) AS lines FROM job_log WHERE message = 'said in a coroutine'"

    wait_until(lambda: scenarios.stage.ask(said)[0]["lines"] == len(ASYNC))


def test_what_a_coroutine_raises_is_the_tasks(scenarios: Scenarios) -> None:
    assert scenarios.letter("error")["error_message"] == "in a coroutine"
    assert scenarios.letter("exit")["error_message"] == "The task raised SystemExit: 3"
    assert "cpu_bound=True" in scenarios.letter("program")["error_message"]
    assert "mahaam.loop" not in scenarios.consumer.log  # no loop ended or stood still


def test_a_time_out_and_a_stop_cancel_coroutines(stage: Stage, tmp_path: Path) -> None:
    file = tmp_path / "file"
    with consumer(stage, stop_grace_s=0.2):
        late = enqueue(rough_jobs.wait_in_asyncio, (str(file),), timeout=0.5).id
        stopped = enqueue(rough_jobs.wait_in_asyncio, (str(file),)).id
        stage.wait_for_state(stopped, "running")
        verbs.apply("stop", [stopped], by="ann")
        stage.wait_for_state(late, "failed", timeout_s=within(10))
        stage.wait_for_state(stopped, "cancelled", timeout_s=within(10))

        assert stage.letters(late)[0]["error_class"] == "huey.exceptions.TaskTimeout"
        assert [line.split()[0] for line in file.read_text().splitlines()] == ["cancelled"] * 2


def test_handlers_that_were_replaced_behind_our_back_are_put_back(stage: Stage) -> None:
    with consumer(stage) as started:
        stage.wait_for_state(enqueue(rough_jobs.replace_handlers_behind).id, "completed")
        wait_until(lambda: started.log.count("A signal handler of the consumer was replaced") >= 1)
        stage.wait_for_state(enqueue(jobs.nothing).id, "completed")
        assert started.stop() == 0


def test_a_timer_that_a_task_leaves_behind_ends_with_it(stage: Stage) -> None:
    with consumer(stage, "-w", "1"):
        stage.wait_for_state(
            enqueue(rough_jobs.leave_an_alarm).id, "completed", timeout_s=within(20)
        )
        slept = enqueue(rough_jobs.sleep_apart, (1.0,)).id
        stage.wait_for_state(slept, "completed", timeout_s=within(20))
