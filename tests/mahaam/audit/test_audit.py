"""What is done for people is written down with it: who, from where, what, before, after, why."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from mahaam import enqueue, verbs
from mahaam.core import actor
from mahaam.core.actor import Actor
from mahaam.redaction.secret_mask import MASK
from tests.mahaam.stage import Stage

TASK = "tests.mahaam.tasks.add"


@pytest.fixture(autouse=True)
def _empty(empty_stage: Stage) -> None:
    """No rows of earlier tests but in the audit, which keeps them."""


def events(stage: Stage, target: object) -> list[dict[str, Any]]:
    return stage.ask(
        "SELECT * FROM audit_event WHERE %s = ANY(targets) ORDER BY id DESC", str(target)
    )


def a_job(stage: Stage, state: str = "queued") -> UUID:
    job = enqueue(TASK, [1, 2]).id
    if state == "failed":
        stage.ask("UPDATE job SET state = 'failed', finished_at = now() WHERE id = %s", str(job))
    if state == "running":
        stage.ask(
            "UPDATE job SET state = 'running', started_at = now(), worker_id = gen_random_uuid(),"
            " attempt = 1 WHERE id = %s",
            str(job),
        )
    if state == "scheduled":
        stage.ask(
            "UPDATE job SET state = 'scheduled', run_at = now() + interval '1 hour' WHERE id = %s",
            str(job),
        )
    return job


# verb, the state that it is done in, its inputs, what was so before, what is so after
ORDERS: tuple[tuple[str, str, dict[str, Any], object, dict[str, Any]], ...] = (
    ("retry", "failed", {}, "failed", {"state": "queued"}),
    ("cancel", "queued", {}, "queued", {"state": "cancelled"}),
    ("stop", "running", {}, "running", {"state": "stopping"}),
    ("promote", "scheduled", {}, "scheduled", {"state": "queued"}),
    ("set_priority", "queued", {"priority": 7}, 0, {"priority": 7}),
    ("move", "queued", {"queue": "emails"}, "default", {"queue": "emails"}),
    ("reschedule", "queued", {"delay_s": 60}, "queued", {"state": "scheduled"}),
)


@pytest.mark.parametrize(("verb", "state", "inputs", "before", "after"), ORDERS)
def test_a_verb_is_written_down_with_what_was_before(
    stage: Stage, verb: str, state: str, inputs: dict[str, Any], before: object, after: Any
) -> None:
    job = a_job(stage, state)
    with actor.acting(Actor("console", "10.0.0.7", "it hung")):
        verbs.apply(verb, [job], by="ann", **inputs)
    (event,) = events(stage, job)
    assert (event["actor"], event["channel"], event["address"]) == ("ann", "console", "10.0.0.7")
    assert (event["verb"], event["kind"], event["count"]) == (verb, "job", 1)
    assert event["before"].items() >= dict.fromkeys(after, before).items()
    assert event["after"].items() >= after.items()
    assert event["after"]["operation"]
    assert (event["reason"], event["refused"]) == ("it hung", None)


@pytest.mark.parametrize(("verb", "state", "inputs", "before", "after"), ORDERS)
def test_what_changed_nothing_is_not_written_down(
    stage: Stage, verb: str, state: str, inputs: dict[str, Any], before: object, after: Any
) -> None:
    job = a_job(stage)
    stage.ask("UPDATE job SET state = 'expired', finished_at = now() WHERE id = %s", str(job))
    if verb != "retry":
        verbs.apply(verb, [job], by="ann", **inputs)
    verbs.apply(verb, [UUID(int=7)], by="ann", **inputs)
    assert events(stage, job) == events(stage, UUID(int=7)) == []


def test_jobs_of_one_order_stand_together_and_each_keeps_its_own_past(stage: Stage) -> None:
    jobs = [a_job(stage), a_job(stage), a_job(stage, "running")]
    verbs.apply("set_priority", jobs[:1], priority=3, by="ann")
    verbs.apply("set_priority", jobs, priority=9, by="ann")
    event = events(stage, jobs[1])[0]
    assert (event["count"], event["targets"]) == (2, [str(job) for job in jobs[:2]])
    assert event["before"]["priority"] == {str(jobs[0]): 3, str(jobs[1]): 0}


def test_an_edit_is_written_down_without_secrets(stage: Stage) -> None:
    job = enqueue(TASK, [], {"a": 1, "b": {"password": "hunter2"}}).id
    verbs.edit(job, kwargs={"a": 2, "b": {"password": "hunter3"}}, by="ann")
    (event,) = events(stage, job)
    assert event["before"] == {"args": [], "kwargs": {"a": 1, "b": {"password": MASK}}}
    assert event["after"] == {"kwargs": {"a": 2, "b": {"password": MASK}}}


def test_an_edit_with_the_mask_left_keeps_the_secret(stage: Stage) -> None:
    job = enqueue(TASK, [], {"a": 1, "b": {"password": "hunter2"}}).id
    verbs.edit(job, kwargs={"a": 2, "b": {"password": MASK}}, by="ann")
    assert stage.job(job)["kwargs"] == {"a": 2, "b": {"password": "hunter2"}}


def test_a_duplicate_is_written_down_at_its_original(stage: Stage) -> None:
    job = a_job(stage)
    made = verbs.apply("duplicate", [job], by="ann").made[job]
    (event,) = events(stage, job)
    assert event["after"]["made"] == {str(job): str(made)}


def test_a_cleared_queue_is_written_down_with_its_filter(stage: Stage) -> None:
    job = a_job(stage)
    assert verbs.clear("default", by="ann") == 1
    (event,) = events(stage, job)
    assert (event["verb"], event["filter"]) == ("clear", {"queue": "default", "state": "queued"})


def test_a_pause_is_written_down_with_its_reason(stage: Stage) -> None:
    verbs.pause_queues(["reports"], verbs.pause(by="ann", reason="the disk is full", for_s=60))
    verbs.resume_queues(["reports"], by="bob")
    resumed, paused = events(stage, "reports")[:2]
    assert (paused["verb"], paused["kind"], paused["reason"]) == (
        "pause",
        "queue",
        "the disk is full",
    )
    assert paused["after"] == {"paused": True, "resume_at": None, "for_s": 60}
    assert (resumed["verb"], resumed["actor"]) == ("resume", "bob")


def test_the_origin_ends_with_its_block() -> None:
    with actor.acting(Actor("cli")), actor.because("x"):
        assert actor.current() == Actor("cli", None, "x")
    assert actor.current() == Actor()
