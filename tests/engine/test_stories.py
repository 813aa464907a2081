"""One consumer, one job per story: how it ends and what stands in its rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from huey.api import Task
from huey.exceptions import TaskException

from tasks import demo, enqueue, huey
from tasks.engine.task import DurableTask
from tests.engine import jobs, rows
from tests.engine.stage import Stage
from tests.engine.stories import Enqueue, Stories, told

LIMIT_BYTES = 65_536
SHORT = {"retry_delay": 0.1, "retry_jitter": False}


def of(task: DurableTask, *args: object, **options: object) -> Enqueue:
    """A story of one job."""
    return lambda stage: enqueue(task, args, **options).id


def sent(message: Task) -> str:
    """Enqueue what Huey calls a task; its id."""
    huey.enqueue(message)
    return str(message.id)


def pipeline(_stage: Stage) -> str:
    return sent(jobs.add.s(1, 2).then(jobs.add, 10).then(jobs.add, 100))


def with_error_handler(_stage: Stage) -> str:
    return sent(jobs.fall.s("for the handler").error(jobs.echo, "told"))


def handler_unused(_stage: Stage) -> str:
    return sent(jobs.add.s(1, 2).error(jobs.echo))


def unknown_task(stage: Stage) -> str:
    return rows.a_job(stage, task="'tests.engine.jobs.nowhere'")


STORIES: dict[str, Enqueue] = {
    "completes": of(jobs.add, 2, 3),
    "returns none": of(jobs.nothing),
    "returns too much": of(jobs.text, LIMIT_BYTES),
    "returns just enough": of(jobs.text, LIMIT_BYTES - 2),
    "returns too many quotes": of(jobs.text, LIMIT_BYTES, '"'),
    "returns an object": of(jobs.strange_result),
    "returns a mystery": of(jobs.strange_result, False),
    "is called wrongly": of(jobs.add, 1),
    "is unknown": unknown_task,
    "has expired": of(jobs.nothing, expires=0),
    "falls for good": of(jobs.fall_in_turn, max_retries=3, retry_backoff=2, **SHORT),
    "waits with jitter": of(jobs.fall, max_retries=1, retry_delay=0.4, retry_jitter=True),
    "never retries": of(jobs.fall, max_retries=0),
    "falls alike": of(jobs.fall, "another message"),
    "falls elsewhere": of(jobs.fall_elsewhere),
    "recovers": of(demo.flaky, 2, **SHORT, max_retries=5),
    "takes too long": of(jobs.nap, 30, timeout=0.3, max_retries=1, **SHORT),
    "is stubborn": of(jobs.stubborn_nap, 30, timeout=0.3, max_retries=1, **SHORT),
    "does not yield": of(jobs.hold, 0.2, timeout=0.1),
    "is in time": of(jobs.nap, 0.05, timeout=5),
    "retries itself": of(jobs.retry_itself, 0.3),
    "cancels itself": of(jobs.cancel_itself, False, max_retries=3),
    "cancels itself in the end": of(jobs.cancel_itself, max_retries=1, **SHORT),
    "is removed when complete": of(jobs.nothing, remove_on_complete=True),
    "is removed when failed": of(jobs.fall, remove_on_fail=True),
    "is kept when failed": of(jobs.fall, remove_on_complete=True),
    "begins a pipeline": pipeline,
    "has an error handler": with_error_handler,
    "needs no handler": handler_unused,
    "has a child": of(jobs.spawn),
    "knows itself": of(jobs.tell, priority=3, max_retries=1),
    "reports": of(jobs.report, 42.7, "half", 1.2),
    "reports too much": of(jobs.report, 1e9, None, 1.2),
    "has context": of(jobs.with_context, 5),
    "is delayed": of(jobs.nothing, delay=0.5),
    "has special arguments": of(jobs.echo, {1: (2.0, b"x", timedelta(1))}, float("inf")),
}


@pytest.fixture(scope="module")
def stories(stage: Stage) -> Iterator[Stories]:
    with told(stage, STORIES, "--workers", "8") as stories:
        yield stories


def test_a_job_completes_with_its_result(stories: Stories) -> None:
    job = stories.job("completes")

    assert (job["state"], job["result"], job["error"], job["attempt"]) == ("completed", 5, None, 1)
    assert job["queued_at"] <= job["started_at"] <= job["finished_at"]
    workers = stories.stage.ask("SELECT id FROM worker")
    assert [job["worker_id"]] == [row["id"] for row in workers]
    assert stories.attempts("completes") == []


def test_a_job_without_a_result_has_none(stories: Stories) -> None:
    assert stories.job("returns none")["result"] is None
    assert stories.job("returns none")["state"] == "completed"


def test_a_result_over_the_limit_is_cut_with_a_mark(stories: Stories) -> None:
    for name in ("returns too much", "returns too many quotes"):
        job = stories.job(name)
        assert job["state"] == "completed"
        assert job["result"].keys() == {"cut", "size_bytes"}
        assert job["result"]["size_bytes"] > LIMIT_BYTES
        assert len(json.dumps(job["result"]).encode()) <= LIMIT_BYTES
        assert len(job["result"]["cut"]) > LIMIT_BYTES / 3


def test_a_result_at_the_limit_is_whole(stories: Stories) -> None:
    assert stories.job("returns just enough")["result"] == "x" * (LIMIT_BYTES - 2)


def test_a_result_that_cannot_be_stored_is_marked(stories: Stories) -> None:
    shown, hidden = (stories.job(f"returns {what}") for what in ("an object", "a mystery"))

    assert (shown["state"], hidden["state"]) == ("completed", "completed")
    assert "is of type object, which cannot be stored" in shown["result"]["not_stored"]
    assert shown["result"]["repr"].startswith("<object object")
    assert hidden["result"]["repr"] == "(its repr fails: RuntimeError)"


def test_arguments_of_special_types_reach_the_task(stories: Stories) -> None:
    told_back = stories.job("has special arguments")["result"]

    given = {"$dict": [[1, {"$tuple": [2.0, {"$bytes": "eA=="}, {"$timedelta": [1, 0, 0]}]}]]}
    assert told_back == [[given, {"$float": "inf"}], {}]


def test_a_job_that_fails_is_retried_and_then_dead(stories: Stories) -> None:
    job, attempts = stories.job("falls for good"), stories.attempts("falls for good")

    assert (job["state"], job["retry_count"], job["attempt"]) == ("failed", 3, 4)
    assert [row["outcome"] for row in attempts] == ["retrying"] * 3 + ["failed"]
    assert [row["error_message"] for row in attempts[::2]] == ["try 0", "try 2"]
    assert job["error"] == "TypeError: try 3"


def test_each_retry_waits_longer(stories: Stories) -> None:
    attempts = stories.attempts("falls for good")

    for retry, (before, after) in enumerate(pairwise(attempts)):
        waited_s = (after["queued_at"] - before["finished_at"]).total_seconds()
        assert 0.1 * 2**retry <= waited_s < 0.1 * 2**retry + 1


def test_jitter_shortens_a_wait_by_half_at_most(stories: Stories) -> None:
    first = stories.attempts("waits with jitter")[0]
    wait_s = (stories.job("waits with jitter")["run_at"] - first["finished_at"]).total_seconds()

    assert 0.2 <= wait_s <= 0.4


def test_a_dead_letter_keeps_the_first_and_the_last_exception(stories: Stories) -> None:
    letter = stories.letter("falls for good")

    first = (letter["first_error_class"], letter["first_error_message"])
    assert first == ("ValueError", "try 0")
    assert (letter["error_class"], letter["error_message"]) == ("TypeError", "try 3")
    assert letter["first_traceback"].endswith("ValueError: try 0\n")
    assert "in fall_in_turn" in letter["traceback"]
    assert (letter["attempt"], letter["retry_count"]) == (4, 3)
    assert (letter["task"], letter["queue"]) == ("tests.engine.jobs.fall_in_turn", "default")


def test_a_job_without_retries_fails_at_once(stories: Stories) -> None:
    assert [row["outcome"] for row in stories.attempts("never retries")] == ["failed"]
    letter = stories.letter("never retries")
    assert letter["first_error_message"] == letter["error_message"] == "It fell."


def test_alike_faults_have_one_fingerprint(stories: Stories) -> None:
    alike = {stories.letter(name)["fingerprint"] for name in ("never retries", "falls alike")}

    assert len(alike) == 1
    assert stories.letter("falls elsewhere")["fingerprint"] not in alike
    assert stories.letter("falls for good")["fingerprint"] not in alike


def test_a_final_failure_is_critical_in_the_log(stories: Stories) -> None:
    (line,) = [line for line in stories.lines("falls for good") if "CRITICAL" in line]

    assert "Job failed for good; see the dead letters." in line
    assert "queue=default retries=3 error=TypeError: try 3" in line
    assert not [line for line in stories.lines("recovers") if "CRITICAL" in line]


def test_a_flaky_job_completes(stories: Stories) -> None:
    job = stories.job("recovers")

    assert (job["state"], job["result"], job["retry_count"]) == ("completed", 3, 2)
    assert [row["outcome"] for row in stories.attempts("recovers")] == ["retrying"] * 2
    assert stories.stage.letters(stories.ids["recovers"]) == []


def test_a_job_over_its_time_is_stopped_retried_and_then_dead(stories: Stories) -> None:
    for name in ("takes too long", "is stubborn"):
        attempts = stories.attempts(name)
        assert [row["outcome"] for row in attempts] == ["retrying", "failed"]
        for row in attempts:
            ran_s = (row["finished_at"] - row["started_at"]).total_seconds()
            assert 0.3 <= ran_s < 1.5
            assert row["error_class"].endswith("TaskTimeout")
            assert row["error_message"].endswith("0.3 s are allowed.")


def test_code_that_never_yields_has_timed_out_when_it_returns(stories: Stories) -> None:
    assert stories.job("does not yield")["state"] == "failed"
    assert stories.letter("does not yield")["error_class"].endswith("TaskTimeout")


def test_a_job_in_time_completes(stories: Stories) -> None:
    assert stories.job("is in time")["state"] == "completed"


def test_a_task_that_asks_to_run_again_is_not_charged(stories: Stories) -> None:
    job, (attempt,) = stories.job("retries itself"), stories.attempts("retries itself")

    assert (job["state"], job["result"], job["retry_count"]) == ("completed", 2, 0)
    assert attempt["outcome"] == "retrying"
    wait_s = (job["run_at"] - attempt["finished_at"]).total_seconds()
    assert wait_s == pytest.approx(0.3, abs=0.05)


def test_a_task_that_cancels_itself_is_cancelled(stories: Stories) -> None:
    assert stories.job("cancels itself")["state"] == "cancelled"
    assert stories.job("cancels itself")["attempt"] == 1

    assert stories.job("cancels itself in the end")["state"] == "cancelled"
    outcomes = [row["outcome"] for row in stories.attempts("cancels itself in the end")]
    assert outcomes == ["retrying", "cancelled"]
    assert not stories.stage.letters(stories.ids["cancels itself"])


def test_an_expired_job_is_not_started(stories: Stories) -> None:
    job = stories.job("has expired")

    assert (job["state"], job["started_at"], job["attempt"]) == ("expired", None, 0)


def test_a_call_that_does_not_fit_the_task_fails(stories: Stories) -> None:
    letter = stories.letter("is called wrongly")

    assert letter["error_class"] == "TypeError"
    assert "missing 1 required positional argument: 'b'" in letter["error_message"]


def test_a_job_of_an_unknown_task_fails_without_retries(stories: Stories) -> None:
    letter = stories.letter("is unknown")

    assert (letter["error_class"], letter["retry_count"]) == ("UnknownTask", 0)
    assert "No task tests.engine.jobs.nowhere is registered" in letter["error_message"]


def test_a_job_is_removed_where_that_was_wished(stories: Stories) -> None:
    assert stories.job("is removed when complete") == {}
    assert stories.job("is removed when failed") == {}
    assert stories.job("is kept when failed")["state"] == "failed"


def test_a_pipeline_hands_results_on(stories: Stories) -> None:
    (second,) = stories.children("begins a pipeline")
    (third,) = stories.stage.ask("SELECT * FROM job WHERE parent_id = %s", str(second["id"]))

    assert (stories.job("begins a pipeline")["result"], second["result"]) == (3, 13)
    assert (third["result"], third["state"]) == (113, "completed")


def test_an_error_handler_gets_the_exception(stories: Stories) -> None:
    (handler,) = stories.children("has an error handler")

    assert handler["state"] == "completed"
    assert handler["result"][0] == ["told", "ValueError('for the handler')"]
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
    job, other = stories.job("reports"), stories.job("reports too much")

    assert (job["progress"], job["progress_text"]) == (42, "half\n␀way")
    assert (other["progress"], other["progress_text"]) == (100, None)


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


def test_a_handle_waits_for_the_result(stories: Stories) -> None:
    assert jobs.add(20, 22).get(blocking=True, timeout=5) == 42
    assert jobs.nothing().get(blocking=True, timeout=5) is None
    assert jobs.echo((1, b"x")).get(blocking=True, timeout=5) == [[(1, b"x")], {}]


def test_a_handle_raises_what_made_the_job_fail(stories: Stories) -> None:
    with pytest.raises(TaskException) as failure:
        jobs.fall("for whoever waits").get(blocking=True, timeout=5)

    assert "ValueError: for whoever waits" in str(failure.value)
    assert "in fall" in failure.value.metadata["traceback"]


COUNTS = """
SELECT coalesce(sum(completed), 0) AS completed, coalesce(sum(failed), 0) AS failed,
       coalesce(sum(retried), 0) AS retrying, coalesce(sum(cancelled), 0) AS cancelled,
       coalesce(sum(expired), 0) AS expired, coalesce(sum(crashed), 0) AS crashed
FROM job_minute
"""


def test_the_rollup_agrees_with_the_rows(stories: Stories) -> None:
    (counted,) = stories.stage.ask(COUNTS)
    removed = 1  # one completed and one failed job left no row

    states = ("completed", "failed", "cancelled", "expired")
    expected = {state: stories.stage.count(f"state = '{state}'") for state in states}
    (tries,) = stories.stage.ask("SELECT count(*) FROM attempt WHERE outcome = 'retrying'")
    assert counted == expected | {
        "completed": expected["completed"] + removed,
        "failed": expected["failed"] + removed,
        "retrying": tries["count"],
        "crashed": 0,
    }


def test_every_job_has_an_id_of_its_time(stories: Stories) -> None:
    ids = stories.stage.ask("SELECT id FROM job")

    assert {UUID(str(row["id"])).version for row in ids} == {7}
