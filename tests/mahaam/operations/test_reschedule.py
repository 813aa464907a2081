"""Promote, reschedule, another priority, another queue: from every state, and what Redis hears."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

import pytest

from mahaam import verbs
from mahaam.core.errors import OptionNotValid, UnknownQueue
from mahaam.enqueuing import accept
from mahaam.jobs.notice import Notice
from mahaam.jobs.states import HELD_UNTIL, MOVES, Event, State
from mahaam.verbs import VerbResult
from tests.mahaam import rows
from tests.mahaam.stage import Stage

WAITING = ("queued", "retrying", "scheduled")
TASK = "tests.mahaam.tasks.nothing"

VERBS: dict[str, tuple[Callable[..., VerbResult], Event]] = {
    "promoted": (partial(verbs.apply, "promote"), Event.PROMOTED),
    "rescheduled": (partial(verbs.apply, "reschedule", delay_s=60), Event.RESCHEDULED),
    "given another priority": (partial(verbs.apply, "set_priority", priority=9), Event.CHANGED),
    "moved": (partial(verbs.apply, "move", queue="orders"), Event.CHANGED),
}


@pytest.fixture(autouse=True)
def _orders(empty_stage: Stage) -> None:
    empty_stage.add("queue", name="orders")


def a_job(stage: Stage, state: str = "queued", **fields: str) -> UUID:
    """A job in `state` as the engine leaves it: a queued one was rung for."""
    job = rows.a_job(stage, state, **fields)
    if state == "queued":
        accept.ring([Notice("default", 0, job, stage.job(job)["queued_at"])])
    return UUID(job)


@pytest.mark.parametrize("participle", VERBS)
def test_a_verb_is_done_from_the_states_that_allow_it_and_refused_from_the_others(
    empty_stage: Stage, participle: str
) -> None:
    verb, event = VERBS[participle]
    jobs = {a_job(empty_stage, state): state for state in State}

    result = verb(jobs, by="ann")

    assert {jobs[job] for job in result.done} == set(MOVES[event])
    for job, state in jobs.items():
        found = empty_stage.job(job)["state"]
        assert found in (MOVES[event][state] if job in result.done else {state})
        if job not in result.done:
            reason = str(result.refused[job])
            assert reason.startswith(f"Job {job} cannot be {participle}: it ")


def test_a_job_that_does_not_exist_is_refused(empty_stage: Stage) -> None:
    missing = uuid4()

    for verb, _ in VERBS.values():
        assert str(verb([missing], by="ann").refused[missing]) == f"No job {missing} exists."


def test_a_promoted_job_is_rung(empty_stage: Stage) -> None:
    jobs = [a_job(empty_stage, state, priority="7") for state in ("scheduled", "retrying")]

    verbs.apply("promote", jobs, by="ann")

    assert empty_stage.rung_priorities() == {str(job): 7 for job in jobs}


def test_a_promoted_job_begins_to_wait_now(empty_stage: Stage) -> None:
    job = a_job(empty_stage, "scheduled", run_at="now() + interval '1 h'")

    verbs.apply("promote", [job], by="ann")

    assert empty_stage.count("run_at IS NULL AND queued_at > now() - interval '5 s'") == 1


def test_a_rescheduled_job_is_not_rung_before_its_time(empty_stage: Stage) -> None:
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    jobs = [a_job(empty_stage, state) for state in WAITING]

    verbs.apply("reschedule", jobs, run_at=at, by="ann")

    assert empty_stage.rung() == {}
    assert {empty_stage.job(job)["run_at"] for job in jobs} == {at}


def test_a_retry_that_is_rescheduled_stays_a_retry(empty_stage: Stage) -> None:
    job = a_job(empty_stage, "retrying", retry_count="2")

    verbs.apply("reschedule", [job], delay_s=timedelta(minutes=1), by="ann")

    assert empty_stage.count("state = 'retrying' AND retry_count = 2") == 1


def test_a_new_priority_is_what_redis_orders_by(empty_stage: Stage) -> None:
    queued, other, later = (
        a_job(empty_stage),
        a_job(empty_stage),
        a_job(empty_stage, "scheduled", run_at="now() + interval '1 h'"),
    )

    verbs.apply("set_priority", [queued, later], priority=9, by="ann")

    assert empty_stage.rung_priorities() == {str(queued): 9, str(other): 0}
    assert empty_stage.count("priority = 9") == 2


def test_a_moved_job_is_rung_in_its_new_queue_alone(empty_stage: Stage) -> None:
    job = a_job(empty_stage)

    verbs.apply("move", [job], queue="orders", by="ann")

    assert empty_stage.rung() == {}
    assert empty_stage.rung_priorities("orders") == {str(job): 0}


def test_a_job_is_not_moved_into_an_unknown_queue(empty_stage: Stage) -> None:
    job = a_job(empty_stage)

    with pytest.raises(UnknownQueue):
        verbs.apply("move", [job], queue="nonsense", by="ann")
    assert empty_stage.job(job)["queue"] == "default"


@pytest.mark.parametrize(
    "wrong",
    [
        lambda job: verbs.apply("set_priority", job, priority=2**31, by="ann"),
        lambda job: verbs.apply("set_priority", job, priority=True, by="ann"),
        lambda job: verbs.apply("reschedule", job, by="ann"),
        lambda job: verbs.apply("reschedule", job, delay_s=-1, by="ann"),
        lambda job: verbs.apply("reschedule", job, delay_s=float("nan"), by="ann"),
        lambda job: verbs.apply("reschedule", job, run_at=HELD_UNTIL, by="ann"),
        lambda job: verbs.apply("reschedule", job, run_at=datetime.now(UTC), delay_s=1, by="ann"),
    ],
)
def test_a_wrong_value_changes_nothing(
    empty_stage: Stage, wrong: Callable[[list[UUID]], VerbResult]
) -> None:
    job = a_job(empty_stage)
    before = empty_stage.job(job)

    with pytest.raises(OptionNotValid):
        wrong([job])
    assert empty_stage.job(job) == before


def test_a_job_of_a_paused_task_is_not_promoted(empty_stage: Stage) -> None:
    job = a_job(empty_stage, "scheduled")
    empty_stage.add("task_pause", task=TASK, paused_by="bob")

    refused = verbs.apply("promote", [job], by="ann").refused[job]

    empty_stage.ask("DELETE FROM task_pause")
    assert str(refused) == f"Job {job} cannot be promoted: its task was paused 0 s ago by bob."
    assert verbs.apply("promote", [job], by="ann").done == (job,)


def test_of_two_operators_at_once_one_wins_and_the_other_is_told(empty_stage: Stage) -> None:
    jobs = [a_job(empty_stage, "scheduled") for _ in range(30)]

    with ThreadPoolExecutor(3) as pool:
        asked = [
            pool.submit(verbs.apply, "promote", jobs, by="ann"),
            pool.submit(verbs.apply, "promote", jobs[::-1], by="bob"),
            pool.submit(verbs.apply, "cancel", jobs[::2] + jobs[1::2], by="eve"),
        ]
    promoted, others = (len(answer.result().done) for answer in asked[:2])

    assert promoted + others <= 30
    assert len(asked[2].result().done) == 30 == empty_stage.count("state = 'cancelled'")
    for answer in asked:
        assert len(answer.result().done) + len(answer.result().refused) == 30
