"""How jobs complete, and what stands for their results."""

from __future__ import annotations

import json
from uuid import UUID

import pytest
from huey.exceptions import TaskException

from tests.machine import within
from tests.mahaam import tasks as jobs
from tests.mahaam.scenario_run import Scenarios
from tests.mahaam.scenarios.table import LIMIT_BYTES
from tests.waiting import wait_until


def test_a_job_completes_with_its_result(scenarios: Scenarios) -> None:
    job = scenarios.job("completes")

    assert (job["state"], job["result"], job["error"], job["attempt"]) == ("completed", 5, None, 1)
    assert job["queued_at"] <= job["started_at"] <= job["finished_at"]
    workers = scenarios.stage.ask("SELECT id FROM worker")
    assert [job["worker_id"]] == [row["id"] for row in workers]
    assert scenarios.attempts("completes") == []


def test_a_job_without_a_result_has_none(scenarios: Scenarios) -> None:
    assert scenarios.job("returns none")["result"] is None
    assert scenarios.job("returns none")["state"] == "completed"


def test_a_result_over_the_limit_is_cut_with_a_mark(scenarios: Scenarios) -> None:
    for name in ("returns too much", "returns too many quotes"):
        job = scenarios.job(name)
        assert job["state"] == "completed"
        assert job["result"].keys() == {"cut", "size_bytes"}
        assert job["result"]["size_bytes"] > LIMIT_BYTES
        assert len(json.dumps(job["result"]).encode()) <= LIMIT_BYTES
        assert len(job["result"]["cut"]) > LIMIT_BYTES / 3


def test_a_result_at_the_limit_is_whole(scenarios: Scenarios) -> None:
    assert scenarios.job("returns just enough")["result"] == "x" * (LIMIT_BYTES - 2)


def test_a_result_that_cannot_be_stored_is_marked(scenarios: Scenarios) -> None:
    shown, hidden = (scenarios.job(f"returns {what}") for what in ("an object", "a mystery"))

    assert (shown["state"], hidden["state"]) == ("completed", "completed")
    assert "is of type object, which cannot be stored" in shown["result"]["not_stored"]
    assert shown["result"]["repr"].startswith("<object object")
    assert hidden["result"]["repr"] == "(its repr fails: RuntimeError)"


def test_arguments_of_special_types_reach_the_task(scenarios: Scenarios) -> None:
    told_back = scenarios.job("has special arguments")["result"]

    given = {"$dict": [[1, {"$tuple": [2.0, {"$bytes": "eA=="}, {"$timedelta": [1, 0, 0]}]}]]}
    assert told_back == [[given, {"$float": "inf"}], {}]


def test_a_flaky_job_completes(scenarios: Scenarios) -> None:
    job = scenarios.job("recovers")

    assert (job["state"], job["result"], job["retry_count"]) == ("completed", 3, 2)
    assert [row["outcome"] for row in scenarios.attempts("recovers")] == ["retrying"] * 2
    assert scenarios.stage.letters(scenarios.ids["recovers"]) == []


def test_a_job_in_time_completes(scenarios: Scenarios) -> None:
    assert scenarios.job("is in time")["state"] == "completed"


def test_a_job_is_removed_where_that_was_wished(scenarios: Scenarios) -> None:
    assert scenarios.job("is removed when complete") == {}
    assert scenarios.job("is removed when failed") == {}
    assert scenarios.job("is kept when failed")["state"] == "failed"


def test_a_handle_waits_for_the_result(scenarios: Scenarios) -> None:
    assert jobs.add(20, 22).get(blocking=True, timeout=within(5)) == 42
    assert jobs.nothing().get(blocking=True, timeout=within(5)) is None
    assert jobs.echo((1, b"x")).get(blocking=True, timeout=within(5)) == [[(1, b"x")], {}]


def test_a_handle_raises_what_made_the_job_fail(scenarios: Scenarios) -> None:
    with pytest.raises(TaskException) as failure:
        jobs.fall("for whoever waits").get(blocking=True, timeout=within(5))

    assert "ValueError('for whoever waits')" in str(failure.value)
    assert "in fall" in failure.value.metadata["traceback"]


def test_every_job_has_an_id_of_its_time(scenarios: Scenarios) -> None:
    ids = scenarios.stage.ask("SELECT id FROM job")

    assert {UUID(str(row["id"])).version for row in ids} == {7}


COUNTS = """
SELECT coalesce(sum(completed), 0) AS completed, coalesce(sum(failed), 0) AS failed,
       coalesce(sum(retried), 0) AS retrying, coalesce(sum(cancelled), 0) AS cancelled,
       coalesce(sum(expired), 0) AS expired, coalesce(sum(crashed), 0) AS crashed
FROM job_minute
"""


def test_the_rollup_agrees_with_the_rows(scenarios: Scenarios) -> None:
    removed = 1  # one completed and one failed job left no row

    states = ("completed", "failed", "cancelled", "expired")
    expected = {state: scenarios.stage.count(f"state = '{state}'") for state in states}
    (tries,) = scenarios.stage.ask("SELECT count(*) FROM attempt WHERE outcome = 'retrying'")
    all_counts = expected | {
        "completed": expected["completed"] + removed,
        "failed": expected["failed"] + removed,
        "retrying": tries["count"],
        "crashed": 0,
    }
    # The consumer counts completions in memory and writes them every second.
    wait_until(lambda: scenarios.stage.ask(COUNTS) == [all_counts])
