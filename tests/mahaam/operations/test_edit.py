"""Edit and duplicate: what a job is called with, changed, and called with again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from mahaam import huey, verbs
from mahaam.config import get_settings
from mahaam.core.errors import ArgumentNotStorable, ArgumentsNotFitting, PayloadTooLarge
from mahaam.jobs.states import FINAL, WAITING, State
from tests.mahaam import rows
from tests.mahaam.stage import Stage
from tests.mahaam.tasks import add, echo

ADD = "'tests.mahaam.tasks.add'"


def a_sum(stage: Stage, state: str = "queued", **fields: str) -> UUID:
    """A job that adds 1 and 2."""
    fields = {"task": ADD, "args": "'[1]'", "kwargs": """'{"b": 2}'"""} | fields
    return UUID(rows.a_job(stage, state, **fields))


def called_with(stage: Stage, job: UUID) -> tuple[Any, Any]:
    row = stage.job(job)
    return row["args"], row["kwargs"]


@pytest.mark.parametrize("state", sorted(WAITING))
def test_a_waiting_job_is_edited_where_it_is(empty_stage: Stage, state: str) -> None:
    job = a_sum(empty_stage, state)

    assert verbs.edit(job, args=[5], by="ann").done == (job,)

    assert called_with(empty_stage, job) == ([5], {"b": 2})
    assert empty_stage.job(job)["state"] == state


@pytest.mark.parametrize("state", sorted(FINAL))
def test_a_job_that_has_ended_is_edited_and_queued_again(empty_stage: Stage, state: str) -> None:
    job = a_sum(empty_stage, state, attempt="1", started_at="now()")

    assert verbs.edit(job, kwargs={"b": 7}, by="ann").done == (job,)

    assert called_with(empty_stage, job) == ([1], {"b": 7})
    assert empty_stage.job(job)["state"] == "queued"
    assert str(job) in empty_stage.rung()
    noted = [attempt["outcome"] for attempt in empty_stage.attempts(job)]
    assert noted == (["completed"] if state == State.COMPLETED else [])


def test_a_running_job_is_not_edited(empty_stage: Stage) -> None:
    job = a_sum(empty_stage, "running")

    reason = verbs.edit(job, args=[5], by="ann").refused[job]

    assert str(reason) == f"Job {job} cannot be edited: it is running."
    assert called_with(empty_stage, job) == ([1], {"b": 2})


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ({"args": [1, 2, 3]}, ArgumentsNotFitting),
        ({"kwargs": {"c": 1}}, ArgumentsNotFitting),
        ({"args": [object()]}, ArgumentNotStorable),
        ({"args": ["x" * 2_000_000]}, PayloadTooLarge),
    ],
)
def test_arguments_that_cannot_be_are_refused(
    empty_stage: Stage, wrong: dict[str, Any], fault: type[Exception]
) -> None:
    job = a_sum(empty_stage)
    assert get_settings().payload_limit_bytes < 2_000_000

    with pytest.raises(fault):
        verbs.edit(job, by="ann", **wrong)
    assert called_with(empty_stage, job) == ([1], {"b": 2})


def test_arguments_of_a_task_that_is_unknown_here_are_taken(empty_stage: Stage) -> None:
    job = a_sum(empty_stage, task="'elsewhere.task'")

    assert verbs.edit(job, args=[1, 2, 3], by="ann").done == (job,)


def test_an_edited_job_is_not_queued_while_another_has_its_key(empty_stage: Stage) -> None:
    job = a_sum(empty_stage, "failed", dedupe_key="'k'")
    holder = a_sum(empty_stage, dedupe_key="'k'")

    reason = str(verbs.edit(job, args=[5], by="ann").refused[job])

    assert f"job {holder}, which is queued, has the same dedupe key" in reason
    assert called_with(empty_stage, job) == ([1], {"b": 2})


@pytest.mark.parametrize("state", State)
def test_a_job_is_duplicated_from_any_state(empty_stage: Stage, state: str) -> None:
    job = a_sum(empty_stage, state, priority="5", dedupe_key="'k'", tags="'{a}'", max_retries="7")

    result = verbs.apply("duplicate", [job], by="ann")

    copy = empty_stage.job(result.made[job])
    assert (copy["state"], copy["args"], copy["kwargs"]) == ("queued", [1], {"b": 2})
    assert (copy["priority"], copy["tags"], copy["max_retries"]) == (5, ["a"], 7)
    assert (copy["dedupe_key"], copy["created_by"]) == (None, "ann")
    assert empty_stage.job(job)["state"] == state
    assert empty_stage.rung_priorities() == {str(result.made[job]): 5}


def test_a_job_that_does_not_exist_is_not_duplicated(empty_stage: Stage) -> None:
    missing = UUID(int=1)

    result = verbs.apply("duplicate", [missing], by="ann")

    assert (result.made, str(result.refused[missing])) == ({}, f"No job {missing} exists.")


def test_a_duplicate_has_a_pipeline_of_its_own(empty_stage: Stage) -> None:
    """With the ids of the first one, its later steps would be taken for jobs that are there."""
    pipeline = add.s(1, 2).then(echo).then(echo)
    huey.enqueue(pipeline)
    first = UUID(pipeline.id)
    copy = verbs.apply("duplicate", [first], by="ann").made[first]

    rides, own = (empty_stage.job(job)["options"] for job in (first, copy))

    assert len(_ids(rides)) == len(_ids(own)) == 2
    assert not set(_ids(rides)) & set(_ids(own))


def test_a_duplicate_belongs_to_no_chord(empty_stage: Stage) -> None:
    rides = """'{"remove_on_fail": true, "chord": "c"}'"""
    member = a_sum(empty_stage, options=rides)

    copy = verbs.apply("duplicate", [member], by="ann").made[member]

    assert empty_stage.job(copy)["options"] == {"remove_on_fail": True}


def _ids(rides: dict[str, Any]) -> list[str]:
    following = rides.get("on_complete")
    return [following["id"], *_ids(following)] if following else []
