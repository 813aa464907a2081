"""What happens to a consumer when new code is deployed: signals, also at the start, and its log."""

from __future__ import annotations

import json
import signal
import socket

import pytest

from mahaam import enqueue
from tests.launch.running_product import free_port
from tests.mahaam import tasks as jobs
from tests.mahaam.rows import a_job
from tests.mahaam.stage import Stage
from tests.waiting import wait_until


def rude(stage: Stage, name: str, args: str = "[]", retries: int = 0) -> str:
    """A job of a module that this process must not import; its id."""
    return a_job(
        stage,
        task=f"'tests.mahaam.rude_logging.{name}'",
        args=f"'{args}'",
        max_retries=str(retries),
    )


def test_sighup_lets_jobs_finish_and_starts_again(stage: Stage) -> None:
    with stage.consumer(is_cold=True).wait_ready() as consumer:
        id_ = str(enqueue(jobs.nap, (1.0,)).id)
        stage.wait_for_state(id_, "running")
        consumer.send(signal.SIGHUP)
        stage.wait_for_state(id_, "completed")
        wait_until(lambda: consumer.log.count("Consumer ready.") == 2, timeout_s=30)

        again = str(enqueue(jobs.nothing).id)
        stage.wait_for_state(again, "completed")
        assert stage.job(id_)["attempt"] == 1
        assert consumer.stop() == 0
    assert "Stopping: it is to restart." in consumer.log
    assert {row["state"] for row in stage.ask("SELECT state FROM worker")} == {"stopped"}


def test_a_sigterm_after_sighup_ends_it_as_gracefully(stage: Stage) -> None:
    with stage.consumer("--shutdown-timeout", "30", is_cold=True).wait_ready() as consumer:
        id_ = str(enqueue(jobs.nap, (2.0,)).id)
        stage.wait_for_state(id_, "running")
        consumer.send(signal.SIGHUP)
        wait_until(lambda: "Stopping:" in consumer.log, timeout_s=20)
        consumer.send(signal.SIGTERM)
        assert consumer.wait(60) == 0
    assert stage.job(id_)["state"] == "completed"
    assert consumer.log.count("Consumer ready.") == 1


def test_sigquit_says_what_each_greenlet_does_and_goes_on(stage: Stage) -> None:
    with stage.consumer(log_format="json").wait_ready() as consumer:
        resting, computing = str(jobs.nap(4.0).id), str(jobs.burn(0.5).id)
        stage.wait_for_state(resting, "running")
        wait_until(lambda: stage.job(computing)["started_at"] is not None, timeout_s=20)
        consumer.send(signal.SIGQUIT)
        stage.wait_for_state(resting, "completed")
        stage.wait_for_state(computing, "completed")
        assert consumer.stop() == 0
    lines = [json.loads(line) for line in consumer.log.splitlines()]
    (dump,) = [line for line in lines if line["message"] == "Stacks of all greenlets and threads."]
    assert "in nap" in dump["stack"]
    assert dump["level"] == "INFO"


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_during_the_start_is_heard(stage: Stage, name: str) -> None:
    """Whatever it waits for: here a PostgreSQL that takes the connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        url = f"postgresql://nobody@127.0.0.1:{port}/nothing?connect_timeout=60"
        with stage.consumer(is_cold=True, database_url=url) as consumer:
            silent.settimeout(30)
            with silent.accept()[0]:
                consumer.send(signal.Signals[name])
                assert consumer.wait() == 0, consumer.log
    assert "Traceback" not in consumer.log


def test_a_signal_during_the_imports_is_heard(stage: Stage) -> None:
    with stage.consumer(is_cold=True, task_modules="tests.mahaam.slow_module") as consumer:
        wait_until(
            lambda: "importing" in consumer.log, timeout_s=30, otherwise=lambda: consumer.log
        )
        consumer.send(signal.SIGTERM)
        assert consumer.wait() == 0, consumer.log
    assert "Traceback" not in consumer.log


def test_a_module_that_sets_logging_up_takes_no_line_away(stage: Stage) -> None:
    with stage.consumer(
        task_modules="tests.mahaam.tasks,tests.mahaam.rude_logging", log_format="json"
    ).wait_ready() as consumer:
        stage.wait_for_state(rude(stage, "sets_logging_up"), "completed")
        wait_until(lambda: "was set up by others" in consumer.log, timeout_s=20)
        id_ = rude(stage, "falls_once", "[[1]]", retries=1)
        stage.wait_for_state(id_, "failed")
        assert consumer.stop() == 0
    lines = [json.loads(line) for line in consumer.log.splitlines()]  # nothing but JSON
    told = [line for line in lines if id_ in line["message"]]
    assert [line["level"] for line in told] == ["INFO", "CRITICAL"]
    assert told[0]["message"].startswith("Job is retried.")
    kept = stage.ask("SELECT message FROM job_log WHERE job_id = %s ORDER BY 1", id_)
    assert any("things" in row["message"] for row in kept)


def test_a_retry_that_goes_as_planned_is_no_warning(stage: Stage) -> None:
    with stage.consumer().wait_ready() as consumer:
        id_ = str(enqueue(jobs.fall_in_turn).id)
        stage.wait_for_state(id_, "failed")
        assert consumer.stop() == 0
    told = [line for line in consumer.log.splitlines() if id_ in line]
    assert [line.split()[1] for line in told] == ["INFO", "INFO", "INFO", "CRITICAL"]
    assert "Traceback" not in consumer.log


def test_a_redis_that_cannot_write_is_one_warning_in_ten_seconds(stage: Stage) -> None:
    port = free_port()
    with stage.consumer(redis_url=f"redis://127.0.0.1:{port}/0").wait_ready() as consumer:
        wait_until(lambda: "Redis is away" in consumer.log, timeout_s=20)
        assert consumer.stop() == 0
    # Earlier tests have left failed jobs to this consumer, which tells of them.
    warnings = [line for line in consumer.log.splitlines() if "WARNING  mahaam.redis" in line]
    others = [
        line for line in consumer.log.splitlines() if "WARNING" in line and "Alert " not in line
    ]
    assert len(warnings) == 1
    assert others == warnings
