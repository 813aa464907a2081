"""`flask demo`, with a real consumer: what is promised is kept, and a broken promise is told."""

from __future__ import annotations

import json
import signal
import subprocess

import pytest

from dashboard.cli.demo import priority_concurrency
from mahaam import enqueue
from mahaam.config import PROJECT_DIR
from tests.cli.conftest import FLASK, Flask_
from tests.dashboard.rows import a_letter, ask
from tests.machine import within
from tests.waiting import wait_until

RUNNING = "SELECT count(*) FROM job WHERE state = 'running'"
LIVE = "SELECT count(*) FROM job WHERE finished_at IS NULL"


def test_priority_and_concurrency_hold(flask: Flask_, consumer: None) -> None:
    answer = flask("demo", "priority-concurrency", "--count", "9", "--sleep", "0.4")

    assert answer.code == 0, answer.out
    assert "BROKEN" not in answer.out
    for text in ("9 of 9", "3 × 10, 3 × 5, 3 × 1", "3 of 3", "at most 3; "):
        assert text in answer.out


def test_a_broken_promise_ends_with_1(
    flask: Flask_, consumer: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jobs that start one after the other, as they are made, leave slots empty."""
    at_once = priority_concurrency.enqueue

    def slowly(*args: object, **options: object) -> object:
        number = next(numbers)
        return at_once(*args, **{**options, "eta": None, "delay": 0.9 * (number // 2)})

    numbers = iter(range(99))
    monkeypatch.setattr(priority_concurrency, "enqueue", slowly)

    answer = flask("demo", "priority-concurrency", "--count", "4", "--sleep", "0.1", "--json")

    result = json.loads(answer.out)
    assert (answer.code, result["ok"]) == (1, False)
    assert [check["ok"] for check in result["checks"]] == [True, False, True, False]


def test_a_job_goes_its_way_into_the_dead_letters(flask: Flask_, consumer: None) -> None:
    answer = flask("demo", "dead-letter", "--retries", "2", "--delay", "0.1")

    assert answer.code == 0, answer.out
    assert "retrying, retrying, failed" in answer.out
    assert ask("SELECT retry_count, first_error_class FROM dead_letter") == [(2, "RuntimeError")]


def test_clear_removes_what_earlier_demos_left(flask: Flask_, consumer: None) -> None:
    enqueue("tasks.demo.fail", delay=60, tags=("demo",))
    enqueue("tasks.demo.fail", delay=60)
    other = a_letter()

    words = ["demo", "dead-letter", "--retries", "0", "--clear"]
    assert flask(*words).code == 0
    assert flask(*words).code == 0

    states = "SELECT state, count(*) FROM job WHERE task = 'tasks.demo.fail' GROUP BY 1 ORDER BY 1"
    assert ask(states) == [("cancelled", 1), ("failed", 2), ("scheduled", 1)]
    letters = ask("SELECT id, resolved_at IS NULL FROM dead_letter ORDER BY id")
    assert [is_open for _, is_open in letters] == [True, False, True]
    assert letters[0][0] == other


def test_too_few_jobs_say_nothing(flask: Flask_, consumer: None) -> None:
    answer = flask("demo", "priority-concurrency", "--count", "3")

    sentence = "--count must be more than the 3 jobs that run at once.\n"
    assert (answer.code, answer.err) == (2, sentence)


@pytest.mark.parametrize("name", ["dead-letter", "priority-concurrency"])
def test_without_a_consumer_a_demo_says_so(
    flask: Flask_, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask("UPDATE worker SET lease_until = lease_until - interval '1 day'")
    try:
        answer = flask("demo", name)
    finally:
        ask("UPDATE worker SET lease_until = lease_until + interval '1 day'")

    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith("No consumer is alive that serves default")


def test_ctrl_c_ends_a_demo_cleanly(consumer: None) -> None:
    command = [*FLASK, "demo", "priority-concurrency", "--count", "5", "--sleep", "4"]
    with subprocess.Popen(
        command, cwd=PROJECT_DIR, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as demo:
        wait_until(lambda: ask(RUNNING) == [(3,)])  # the other two wait for four seconds
        demo.send_signal(signal.SIGINT)
        _out, err = demo.communicate(timeout=within(10))

    assert (demo.returncode, err) == (130, "\nStopped; 2 waiting jobs were cancelled.\n")
    wait_until(lambda: ask(LIVE) == [(0,)])
