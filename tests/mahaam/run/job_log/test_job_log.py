"""What tasks log is read beside their job."""

from __future__ import annotations

import signal
from datetime import timedelta
from typing import Any

import psycopg2

from mahaam import enqueue
from mahaam.jobs.log_line import LogLine
from mahaam.store import logs
from tests.mahaam.consumer_process import Consumer
from tests.mahaam.rows import a_job, a_worker
from tests.mahaam.run.job_log import tasks
from tests.mahaam.run.job_log.conftest import SETTINGS
from tests.mahaam.stage import Stage
from tests.waiting import wait_until

SEEN_S = 1.0  # what is said is read within this time


def lines(stage: Stage, job_id: object) -> list[dict[str, Any]]:
    """The lines of a job, the first one first."""
    return stage.ask(
        "SELECT * FROM job_log WHERE job_id = %s ORDER BY attempt, number", str(job_id)
    )


def wait_for_lines(
    stage: Stage, job_id: object, count: int, *, timeout_s: float = 10
) -> list[dict[str, Any]]:
    wait_until(
        lambda: len(lines(stage, job_id)) >= count,
        timeout_s=timeout_s,
        otherwise=lambda: f"{count} lines were expected: {lines(stage, job_id)}",
    )
    return lines(stage, job_id)


def test_lines_are_read_within_a_second_while_the_job_runs(
    stage: Stage, consumer: Consumer
) -> None:
    job = enqueue(tasks.speak, (3,))
    stage.wait_for_state(job.id, "running")

    found = wait_for_lines(stage, job.id, 4, timeout_s=SEEN_S)

    assert stage.job(job.id)["state"] == "running"
    assert [line["number"] for line in found] == [1, 2, 3, 4]
    assert {line["attempt"] for line in found} == {1}


def test_a_line_has_text_level_logger_and_time(stage: Stage, consumer: Consumer) -> None:
    job = enqueue(tasks.speak)
    by_hand, odd, detail, fault = wait_for_lines(stage, job.id, 4)

    assert (by_hand["message"], by_hand["level"], by_hand["logger"]) == ("by hand", 20, None)
    assert (odd["message"], odd["level"]) == ("a␀b ?", 30)
    assert (detail["message"], detail["level"], detail["logger"]) == (
        "sent to ann",
        10,
        "shop.mail",
    )
    assert fault["message"].startswith("a fault\nTraceback (most recent call last):\n")
    assert fault["message"].endswith("ValueError: what happened")
    row = stage.job(job.id)
    slack = timedelta(milliseconds=20)
    assert row["started_at"] - slack <= detail["said_at"] <= row["finished_at"] + slack


def test_logging_reaches_the_record_although_the_consumer_prints_less(
    stage: Stage, consumer: Consumer
) -> None:
    job = enqueue(tasks.speak)
    wait_for_lines(stage, job.id, 4)

    assert "a fault" in consumer.log
    assert "sent to ann" not in consumer.log


def test_what_cannot_be_printed_is_said_so(stage: Stage, consumer: Consumer) -> None:
    job = enqueue(tasks.stumble)
    found = wait_for_lines(stage, job.id, 7)

    assert stage.job(job.id)["state"] == "completed"
    texts = [line["message"] for line in found]
    assert texts[0] == "This line cannot be formatted (TypeError): '%d pieces'"
    assert texts[1] == (
        "This line cannot be formatted (RuntimeError): (its repr fails: RuntimeError)"
    )
    assert texts[2] == "This line cannot be formatted (RuntimeError): '%s'"
    assert len(texts[3].encode()) < 600
    assert "bytes cut" in texts[3]
    assert (found[4]["level"], texts[4]) == (32_767, "shrill")
    assert found[5]["logger"] == "shop.␀odd"
    assert texts[6] == "7"


def test_further_lines_are_counted(stage: Stage, consumer: Consumer) -> None:
    job = enqueue(tasks.chatter, (120,))
    found = wait_for_lines(stage, job.id, 51)

    assert [line["message"] for line in found[:50]] == [f"line {number}" for number in range(50)]
    assert found[50]["message"].startswith("70 lines were left out: beyond JOB_LOG_LINES (50)")
    assert len(found) == 51


def test_a_line_belongs_to_its_attempt(stage: Stage, consumer: Consumer) -> None:
    job = enqueue(tasks.twice)
    found = wait_for_lines(stage, job.id, 2)

    assert [(line["attempt"], line["number"], line["message"]) for line in found] == [
        (1, 1, "attempt 1"),
        (2, 1, "attempt 2"),
    ]


def test_a_thread_speaks_for_the_job_whose_context_it_has(stage: Stage, consumer: Consumer) -> None:
    job = enqueue(tasks.delegate)
    last = enqueue(tasks.speak)
    stage.wait_for_state(job.id, "completed")
    wait_for_lines(stage, last.id, 4)

    assert [line["message"] for line in lines(stage, job.id)] == ["with"]


def test_what_a_thread_does_after_its_jobs_end_is_not_lost(
    stage: Stage, consumer: Consumer
) -> None:
    job = enqueue(tasks.leave_behind, (0.3,))
    stage.wait_for_state(job.id, "completed")

    (line,) = wait_for_lines(stage, job.id, 1)
    assert line["message"] == "still here"
    wait_until(lambda: stage.count(f"parent_id = '{job.id}' AND state = 'completed'"))


def test_lines_of_a_removed_job_cost_the_others_nothing(stage: Stage, consumer: Consumer) -> None:
    gone, kept = [], []
    for _ in range(20):
        gone.append(enqueue(tasks.vanish))
        kept.append(enqueue(tasks.chatter, (3,)))

    for job in kept:
        wait_for_lines(stage, job.id, 3)
    assert not any(lines(stage, job.id) for job in gone)


def test_lines_are_kept_while_postgresql_breaks_the_connection(
    stage: Stage, consumer: Consumer
) -> None:
    stage.ask(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'mahaam log writer' AND datname = current_database()"
    )
    job = enqueue(tasks.chatter, (5,))

    assert len(wait_for_lines(stage, job.id, 5)) == 5


def test_what_was_written_outlives_a_kill(stage: Stage) -> None:
    with stage.consumer("--queues", "emails", **SETTINGS).wait_ready() as consumer:
        job = enqueue(tasks.speak, (30,), queue="emails")
        wait_for_lines(stage, job.id, 4, timeout_s=5)
        consumer.send(signal.SIGKILL)
        consumer.wait()

    assert len(lines(stage, job.id)) == 4


def test_a_batch_that_is_sent_twice_is_written_once(stage: Stage) -> None:
    id_ = a_job(stage, "running", worker_id=f"'{a_worker(stage)}'")
    said = [LogLine(id_, 1, number, 0.0, 20, None, 'a "b" \\ {c}') for number in (1, 2)]
    gone = LogLine("00000000-0000-7000-8000-000000000000", 1, 1, 0.0, 20, "shop", "nobody's")

    with psycopg2.connect(stage.database_url) as link, link.cursor() as cursor:
        logs.write(cursor, [*said, gone], again=False)
        logs.write(cursor, [*said, gone], again=True)
    link.close()

    assert [line["message"] for line in lines(stage, id_)] == ['a "b" \\ {c}'] * 2
    stage.ask("DELETE FROM job WHERE id = %s", id_)
    assert lines(stage, id_) == []
