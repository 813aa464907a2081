"""How jobs fail: attempts, waits, dead letters, time-outs."""

from __future__ import annotations

from itertools import pairwise

from tests.machine import within
from tests.mahaam.scenario_run import Scenarios


def test_a_job_that_fails_is_retried_and_then_dead(scenarios: Scenarios) -> None:
    job, attempts = scenarios.job("falls for good"), scenarios.attempts("falls for good")

    assert (job["state"], job["retry_count"], job["attempt"]) == ("failed", 3, 4)
    assert [row["outcome"] for row in attempts] == ["retrying"] * 3 + ["failed"]
    assert [row["error_message"] for row in attempts[::2]] == ["try 0", "try 2"]
    assert job["error"] == "TypeError: try 3"


def test_each_retry_waits_longer(scenarios: Scenarios) -> None:
    attempts = scenarios.attempts("falls for good")

    for retry, (before, after) in enumerate(pairwise(attempts)):
        waited_s = (after["queued_at"] - before["finished_at"]).total_seconds()
        assert 0.1 * 2**retry <= waited_s < 0.1 * 2**retry + within(10)


def test_jitter_shortens_a_wait_by_half_at_most(scenarios: Scenarios) -> None:
    first = scenarios.attempts("waits with jitter")[0]
    wait_s = (scenarios.job("waits with jitter")["run_at"] - first["finished_at"]).total_seconds()

    assert 0.2 <= wait_s <= 0.4 + within(2)  # the row is written a moment after the end


def test_a_dead_letter_keeps_the_first_and_the_last_exception(scenarios: Scenarios) -> None:
    letter = scenarios.letter("falls for good")

    first = (letter["first_error_class"], letter["first_error_message"])
    assert first == ("ValueError", "try 0")
    assert (letter["error_class"], letter["error_message"]) == ("TypeError", "try 3")
    assert letter["first_traceback"].endswith("ValueError: try 0\n")
    assert "in fall_in_turn" in letter["traceback"]
    assert (letter["attempt"], letter["retry_count"]) == (4, 3)
    assert (letter["task"], letter["queue"]) == ("tests.mahaam.tasks.fall_in_turn", "default")


def test_a_job_without_retries_fails_at_once(scenarios: Scenarios) -> None:
    assert [row["outcome"] for row in scenarios.attempts("never retries")] == ["failed"]
    letter = scenarios.letter("never retries")
    assert letter["first_error_message"] == letter["error_message"] == "It fell."


def test_alike_faults_have_one_fingerprint(scenarios: Scenarios) -> None:
    alike = {scenarios.letter(name)["fingerprint"] for name in ("never retries", "falls alike")}

    assert len(alike) == 1
    assert scenarios.letter("falls elsewhere")["fingerprint"] not in alike
    assert scenarios.letter("falls for good")["fingerprint"] not in alike


def test_a_final_failure_is_critical_in_the_log(scenarios: Scenarios) -> None:
    (line,) = [line for line in scenarios.lines("falls for good") if "CRITICAL" in line]

    assert "Job failed for good; see the dead letters." in line
    assert "queue=default retries=3 error=TypeError: try 3" in line
    assert not [line for line in scenarios.lines("recovers") if "CRITICAL" in line]


def test_a_job_over_its_time_is_stopped_retried_and_then_dead(scenarios: Scenarios) -> None:
    for name in ("takes too long", "is stubborn"):
        attempts = scenarios.attempts(name)
        assert [row["outcome"] for row in attempts] == ["retrying", "failed"]
        for row in attempts:
            ran_s = (row["finished_at"] - row["started_at"]).total_seconds()
            assert 0.3 <= ran_s < 15  # of the thirty that it wanted
            assert row["error_class"].endswith("TaskTimeout")
            assert row["error_message"].endswith("0.3 s are allowed.")


def test_code_that_never_yields_has_timed_out_when_it_returns(scenarios: Scenarios) -> None:
    assert scenarios.job("does not yield")["state"] == "failed"
    assert scenarios.letter("does not yield")["error_class"].endswith("TaskTimeout")


def test_a_task_that_asks_to_run_again_is_not_charged(scenarios: Scenarios) -> None:
    job, (attempt,) = scenarios.job("retries itself"), scenarios.attempts("retries itself")

    assert (job["state"], job["result"], job["retry_count"]) == ("completed", 2, 0)
    assert attempt["outcome"] == "retrying"
    asked_after_s = (job["run_at"] - attempt["started_at"]).total_seconds()
    assert 0.3 <= asked_after_s < 0.3 + within(10)


def test_a_task_that_cancels_itself_is_cancelled(scenarios: Scenarios) -> None:
    assert scenarios.job("cancels itself")["state"] == "cancelled"
    assert scenarios.job("cancels itself")["attempt"] == 1

    assert scenarios.job("cancels itself in the end")["state"] == "cancelled"
    outcomes = [row["outcome"] for row in scenarios.attempts("cancels itself in the end")]
    assert outcomes == ["retrying", "cancelled"]
    assert not scenarios.stage.letters(scenarios.ids["cancels itself"])


def test_an_expired_job_is_not_started(scenarios: Scenarios) -> None:
    job = scenarios.job("has expired")

    assert (job["state"], job["started_at"], job["attempt"]) == ("expired", None, 0)


def test_a_call_that_does_not_fit_the_task_fails(scenarios: Scenarios) -> None:
    letter = scenarios.letter("is called wrongly")

    assert letter["error_class"] == "TypeError"
    assert "missing 1 required positional argument: 'b'" in letter["error_message"]


def test_a_job_of_an_unknown_task_fails_without_retries(scenarios: Scenarios) -> None:
    letter = scenarios.letter("is unknown")

    assert (letter["error_class"], letter["retry_count"]) == ("UnknownTask", 0)
    assert "No task tests.mahaam.tasks.nowhere is registered" in letter["error_message"]
