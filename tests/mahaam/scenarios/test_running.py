"""What a job knows, says and causes while it runs."""

from __future__ import annotations

from datetime import timedelta

from mahaam import enqueue
from tests.mahaam import tasks as jobs
from tests.mahaam.scenario_run import Scenarios


def test_a_pipeline_hands_results_on(scenarios: Scenarios) -> None:
    (second,) = scenarios.children("begins a pipeline")
    (third,) = scenarios.stage.ask("SELECT * FROM job WHERE parent_id = %s", str(second["id"]))

    assert (scenarios.job("begins a pipeline")["result"], second["result"]) == (3, 13)
    assert (third["result"], third["state"]) == (113, "completed")


def test_an_error_handler_gets_the_exception(scenarios: Scenarios) -> None:
    (handler,) = scenarios.children("has an error handler")

    assert handler["state"] == "completed"
    words, error = handler["result"][0]
    assert words == "told"
    assert error["$exception"]["repr"] == "ValueError('for the handler')"
    assert scenarios.children("needs no handler") == []


def test_a_job_enqueued_inside_a_task_knows_its_parent(scenarios: Scenarios) -> None:
    (child,) = scenarios.children("has a child")

    assert str(child["id"]) == scenarios.job("has a child")["result"]
    assert child["state"] == "completed"
    assert scenarios.job("has a child")["parent_id"] is None


def test_a_task_knows_its_job(scenarios: Scenarios) -> None:
    assert scenarios.job("knows itself")["result"] == {
        "id": scenarios.ids["knows itself"],
        "attempt": 1,
        "retry_count": 0,
        "max_retries": 1,
        "queue": "default",
        "priority": 3,
        "here": True,
    }


def test_progress_reaches_the_row(scenarios: Scenarios) -> None:
    job = scenarios.job("reports")

    assert (job["progress"], job["progress_text"]) == (42, "half\n␀way")


def test_progress_beyond_the_end_is_an_error(scenarios: Scenarios) -> None:
    error = scenarios.job("reports too much")["error"]

    assert error == "ValueError: Progress is a number from 0 to 100; this is 1000000000.0."


def test_a_task_with_context_gets_hueys_task(scenarios: Scenarios) -> None:
    assert scenarios.job("has context")["result"] == [5, scenarios.ids["has context"]]


def test_a_delayed_job_starts_when_its_time_has_come(scenarios: Scenarios) -> None:
    delayed = enqueue(jobs.nothing, delay=0.3)
    assert delayed.state == "scheduled"
    scenarios.stage.wait_for_state(delayed.id, "completed")

    for job in (scenarios.stage.job(delayed.id), scenarios.job("is delayed")):
        assert job["run_at"] <= job["queued_at"] <= job["started_at"]
    late = scenarios.stage.job(delayed.id)
    assert late["started_at"] <= late["run_at"] + timedelta(seconds=1)
