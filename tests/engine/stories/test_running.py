"""What a job knows, says and causes while it runs."""

from __future__ import annotations

from datetime import timedelta

from mahaam import enqueue
from tests.engine import jobs
from tests.engine.storybook import Stories


def test_a_pipeline_hands_results_on(stories: Stories) -> None:
    (second,) = stories.children("begins a pipeline")
    (third,) = stories.stage.ask("SELECT * FROM job WHERE parent_id = %s", str(second["id"]))

    assert (stories.job("begins a pipeline")["result"], second["result"]) == (3, 13)
    assert (third["result"], third["state"]) == (113, "completed")


def test_an_error_handler_gets_the_exception(stories: Stories) -> None:
    (handler,) = stories.children("has an error handler")

    assert handler["state"] == "completed"
    words, error = handler["result"][0]
    assert words == "told"
    assert error["$exception"]["repr"] == "ValueError('for the handler')"
    assert stories.children("needs no handler") == []


def test_a_job_enqueued_inside_a_task_knows_its_parent(stories: Stories) -> None:
    (child,) = stories.children("has a child")

    assert str(child["id"]) == stories.job("has a child")["result"]
    assert child["state"] == "completed"
    assert stories.job("has a child")["parent_id"] is None


def test_a_task_knows_its_job(stories: Stories) -> None:
    assert stories.job("knows itself")["result"] == {
        "id": stories.ids["knows itself"],
        "attempt": 1,
        "retry_count": 0,
        "max_retries": 1,
        "queue": "default",
        "priority": 3,
        "here": True,
    }


def test_progress_reaches_the_row(stories: Stories) -> None:
    job = stories.job("reports")

    assert (job["progress"], job["progress_text"]) == (42, "half\n␀way")


def test_progress_beyond_the_end_is_an_error(stories: Stories) -> None:
    error = stories.job("reports too much")["error"]

    assert error == "ValueError: Progress is a number from 0 to 100; this is 1000000000.0."


def test_a_task_with_context_gets_hueys_task(stories: Stories) -> None:
    assert stories.job("has context")["result"] == [5, stories.ids["has context"]]


def test_a_delayed_job_starts_when_its_time_has_come(stories: Stories) -> None:
    delayed = enqueue(jobs.nothing, delay=0.3)
    assert delayed.state == "scheduled"
    stories.stage.wait_for_state(delayed.id, "completed")

    for job in (stories.stage.job(delayed.id), stories.job("is delayed")):
        assert job["run_at"] <= job["queued_at"] <= job["started_at"]
    late = stories.stage.job(delayed.id)
    assert late["started_at"] <= late["run_at"] + timedelta(seconds=1)
