"""Users' code hears what happens to jobs, and cannot hold them up."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mahaam import enqueue, enqueue_many, on
from mahaam.core.errors import OptionNotValid
from mahaam.jobs.claim import Claim
from mahaam.run import hooks
from tests.mahaam.consumer_process import Consumer
from tests.mahaam.run.job_log import tasks
from tests.mahaam.run.job_log.conftest import SETTINGS
from tests.mahaam.stage import Stage
from tests.waiting import wait_until

Heard = list[list[Any]]


def heard(stage: Stage, job_id: object) -> Heard:
    """Task, event, attempt, error, result, progress: of each event of a job that was told."""
    with stage.redis() as client:
        return [json.loads(line) for line in client.lrange(f"{stage.prefix}:heard:{job_id}", 0, -1)]


def wait_until_heard(stage: Stage, job_id: object, expected: Heard) -> None:
    wait_until(
        lambda: heard(stage, job_id) == expected,
        otherwise=lambda: f"{expected} was expected: {heard(stage, job_id)}",
    )


def test_a_completed_job_is_told_of_with_its_result(stage: Stage, consumer: Consumer) -> None:
    job = enqueue(tasks.settle, (5,))

    wait_until_heard(
        stage,
        job.id,
        [
            ["settle", "active", 1, None, None, None],
            ["settle", "completed", 1, None, {"value": 5}, None],
        ],
    )


def test_each_failed_attempt_is_told_of_and_the_death(stage: Stage, consumer: Consumer) -> None:
    job = enqueue(tasks.collapse)

    error = "ValueError: no way"
    wait_until_heard(
        stage,
        job.id,
        [
            ["collapse", "active", 1, None, None, None],
            ["collapse", "failed", 1, error, None, None],
            ["collapse", "active", 2, None, None, None],
            ["collapse", "failed", 2, error, None, None],
            ["collapse", "dead", 2, error, None, None],
        ],
    )
    assert stage.letters(job.id)


def test_progress_is_told_when_it_is_written(stage: Stage, consumer: Consumer) -> None:
    job = enqueue(tasks.advance, (10, 20, 30))

    wait_until_heard(stage, job.id, [["advance", "progress", 1, None, None, 30]])
    assert stage.job(job.id)["progress"] == 30


def test_a_death_by_crashes_is_told_by_the_rescuer(stage: Stage) -> None:
    settings = SETTINGS | {"lease_s": 2, "beat_s": 0.5}
    job = enqueue(tasks.end_its_worker, queue="emails")
    # Whichever consumer rescues it, the module's or the one below: this crash is one too many.
    stage.ask("UPDATE job SET crash_count = 4 WHERE id = %s", job.id.hex)
    with stage.consumer("--queues", "emails", **settings) as victim:
        assert victim.wait() == 9
    with stage.consumer("--queues", "emails", **settings).wait_ready() as rescuer:
        stage.wait_for_state(job.id, "failed")
        error = "WorkerCrashed: The consumer that ran this job ended without finishing it."
        dead = ["end_its_worker", "dead", 1, error, None, None]
        wait_until(lambda: dead in heard(stage, job.id), otherwise=lambda: rescuer.log)


def test_handlers_that_fail_and_hang_delay_no_job(stage: Stage, consumer: Consumer) -> None:
    enqueue_many(tasks.settle, [(number,) for number in range(10)])
    enqueue(tasks.collapse)
    last = enqueue(tasks.advance, (1,))

    stage.wait_for_state(last.id, "completed")

    wait_until(lambda: "A handler took too long. handler=hang event=active" in consumer.log)
    wait_until(lambda: "A handler failed. handler=fall event=active" in consumer.log)
    assert "SystemExit: a handler that cannot do anything" in consumer.log


def test_a_graceful_stop_writes_and_tells_the_last_words(stage: Stage) -> None:
    with stage.consumer("--queues", "emails", **SETTINGS).wait_ready() as consumer:
        job = enqueue(tasks.part, (0.3,), queue="emails")
        wait_until(lambda: stage.job(job.id)["started_at"])
        assert consumer.stop() == 0

    assert stage.ask("SELECT message FROM job_log WHERE job_id = %s", str(job.id)) == [
        {"message": "farewell"}
    ]
    assert stage.job(job.id)["progress"] == 100
    assert heard(stage, job.id) == [["part", "progress", 1, None, None, 100]]


def test_a_turn_that_is_sent_again_is_told_once(stage: Stage, consumer: Consumer) -> None:
    made = []
    for _ in range(5):
        made += [enqueue(tasks.chatter, (0,)) for _ in range(30)]
        stage.ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'mahaam dispatcher' AND datname = current_database()"
        )
    stage.wait_for_ends()

    told = [["chatter", "completed", 1, None, None, None]]
    wait_until(lambda: all(heard(stage, job.id) for job in made))
    assert all(heard(stage, job.id) == told for job in made)


def test_an_unknown_event_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(OptionNotValid, match="no event 'finished'; there are active, completed"):
        on("finished")


def test_what_handlers_do_not_keep_up_with_is_left_out_and_counted(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "WAITING", 2)
    told = hooks.Hooks()
    told.add("active", hooks.Hook(print, None))
    claim = Claim("id", 1, "w", "t", "q", 0, "[]", "{}", None, 0, 0, 0, 1.0, 2.0, True, None)

    told.started([claim] * 5)

    assert told.backlog == 2
    assert "they are not told all. left_out=1" in caplog.text


def test_a_handler_of_one_task_costs_the_others_nothing() -> None:
    told = hooks.Hooks()
    assert not told.is_used
    told.add("active", hooks.Hook(print, "other"))
    claim = Claim("id", 1, "w", "t", "q", 0, "[]", "{}", None, 0, 0, 0, 1.0, 2.0, True, None)

    told.started([claim])

    assert (told.is_used, told.backlog) == (True, 0)
