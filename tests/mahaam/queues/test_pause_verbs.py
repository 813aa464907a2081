"""Pause and resume queues and tasks: what an operator is told, and how held jobs come free."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from mahaam import verbs
from mahaam.core.errors import OptionNotValid, UnknownQueue, UnknownTask
from mahaam.jobs.states import HELD_UNTIL
from mahaam.postgres import database
from mahaam.queries import queue_configs
from mahaam.store.actions import pauses
from tests.machine import within
from tests.mahaam import rows
from tests.mahaam.stage import Stage

NOTHING, NAP = "tests.mahaam.tasks.nothing", "tests.mahaam.tasks.nap"


@pytest.fixture(autouse=True)
def _nothing_is_paused(empty_stage: Stage) -> None:
    empty_stage.ask("DELETE FROM task_pause")
    empty_stage.ask("UPDATE queue SET paused_at = NULL, resume_at = NULL, paused_by = NULL")


def pause_task(name: str, **more: Any) -> None:
    assert verbs.pause_tasks([name], verbs.pause(by="ann", **more)).done == (name,)


def test_an_operator_is_told_who_paused(empty_stage: Stage) -> None:
    pause_task(NAP, reason="first")
    verbs.pause_queues(["default"], verbs.pause(by="ann"))

    task = verbs.pause_tasks([NAP], verbs.pause(by="bob")).refused[NAP]
    queue = verbs.pause_queues(["default"], verbs.pause(by="bob")).refused["default"]

    assert str(task) == f"Task {NAP} cannot be paused: ann paused it 0 s ago."
    assert str(queue) == "Queue default cannot be paused: ann paused it 0 s ago."
    (pause,) = empty_stage.ask("SELECT paused_by, pause_reason FROM task_pause")
    assert pause == {"paused_by": "ann", "pause_reason": "first"}


def test_a_pause_gets_another_reason_and_end_when_that_is_asked(empty_stage: Stage) -> None:
    pause_task(NAP, reason="first")
    verbs.pause_queues(["default"], verbs.pause(by="ann", reason="first"))
    other = verbs.pause(by="bob", reason="second", for_s=60, replace=True)

    assert verbs.pause_tasks([NAP], other).done == (NAP,)
    assert verbs.pause_queues(["default"], other).done == ("default",)

    wanted = {"paused_by": "bob", "pause_reason": "second", "ends": True}
    columns = "paused_by, pause_reason, resume_at > now() AS ends"
    assert empty_stage.ask(f"SELECT {columns} FROM task_pause") == [wanted]
    assert empty_stage.ask(f"SELECT {columns} FROM queue WHERE name = 'default'") == [wanted]


def test_what_is_not_paused_is_not_resumed(empty_stage: Stage) -> None:
    over = "now() - interval '1 s'"
    empty_stage.ask(f"UPDATE queue SET paused_at = {over}, resume_at = {over}")

    task = verbs.resume_tasks([NAP], by="ann").refused[NAP]
    queue = verbs.resume_queues(["default"], by="ann").refused["default"]

    assert str(task) == f"Task {NAP} cannot be resumed: it is not paused."
    assert str(queue) == "Queue default cannot be resumed: it is not paused."


def test_a_pause_that_is_over_is_none(empty_stage: Stage) -> None:
    over = "now() - interval '1 s'"
    empty_stage.ask(f"UPDATE queue SET paused_at = {over}, resume_at = {over}")
    empty_stage.ask(f"INSERT INTO task_pause VALUES ('{NAP}', {over}, 'ann', NULL, {over})")

    assert not any(line.paused for line in database.repeatable(queue_configs.lines))
    pause_task(NAP)
    assert verbs.pause_queues(["default"], verbs.pause(by="ann")).done == ("default",)


def test_what_nobody_knows_is_not_paused(empty_stage: Stage) -> None:
    with pytest.raises(UnknownTask):
        verbs.pause_tasks([NAP, "nonsense"], verbs.pause(by="ann"))
    with pytest.raises(UnknownQueue):
        verbs.pause_queues(["default", "nonsense"], verbs.pause(by="ann"))
    assert empty_stage.ask("SELECT FROM queue WHERE paused_at IS NOT NULL") == []
    assert empty_stage.ask("SELECT FROM task_pause") == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"for_s": 0},
        {"for_s": -1},
        {"for_s": "soon"},
        {"resume_at": datetime.now(UTC)},
        {"resume_at": HELD_UNTIL},
        {"for_s": 1, "resume_at": datetime.now(UTC) + timedelta(days=1)},
    ],
)
def test_a_pause_ends_in_the_future(wrong: dict[str, Any]) -> None:
    with pytest.raises(OptionNotValid):
        verbs.pause(by="ann", **wrong)


def test_a_job_is_not_held_when_its_pause_has_ended_meanwhile(empty_stage: Stage) -> None:
    job = rows.a_job(empty_stage)

    (found,) = database.repeatable(lambda cursor: pauses.hold(cursor, [job], [NOTHING]))

    assert (found.id, found.is_held) == (job, False)
    assert empty_stage.job(job)["state"] == "queued"


def test_who_ends_a_pause_sees_a_job_that_is_being_held(empty_stage: Stage) -> None:
    pause_task(NOTHING)
    job = rows.a_job(empty_stage)
    with ThreadPoolExecutor(1) as pool, database.transaction() as cursor:
        pauses.hold(cursor, [job], [NOTHING])
        answer = pool.submit(verbs.resume_tasks, [NOTHING], by="ann")
        cursor.execute("SELECT pg_sleep(0.2)")
        cursor.execute("COMMIT")
        answer.result(timeout=within(5))

    assert empty_stage.job(job)["state"] == "queued"
    assert job in empty_stage.rung()


def test_a_pause_is_remembered_until_its_last_job_is_let_go(empty_stage: Stage) -> None:
    pause_task(NOTHING)
    job = rows.a_job(empty_stage)
    database.repeatable(lambda cursor: pauses.hold(cursor, [job], [NOTHING]))
    with database.transaction() as cursor:
        cursor.execute("SELECT FROM job WHERE id = %s FOR UPDATE", (job,))
        verbs.resume_tasks([NOTHING], by="ann")
        assert empty_stage.job(job)["run_at"] == HELD_UNTIL

    with database.transaction() as cursor:
        assert [ring.id for ring in pauses.end_pauses(cursor)] == [job]
    assert empty_stage.ask("SELECT FROM task_pause") == []


def test_jobs_of_a_pause_that_was_deleted_by_hand_are_let_go(empty_stage: Stage) -> None:
    pause_task(NOTHING)
    job = rows.a_job(empty_stage)
    database.repeatable(lambda cursor: pauses.hold(cursor, [job], [NOTHING]))
    empty_stage.ask("DELETE FROM task_pause")

    assert [ring.id for ring in database.repeatable(pauses.let_go)] == [job]


def test_a_held_job_is_no_scheduled_one_to_an_operator(empty_stage: Stage) -> None:
    pause_task(NOTHING)
    job = UUID(rows.a_job(empty_stage))
    database.repeatable(lambda cursor: pauses.hold(cursor, [str(job)], [NOTHING]))

    reason = str(verbs.apply("retry", [job], by="ann").refused[job])

    assert reason == f"Job {job} cannot be retried: it is held while its task is paused."
    assert verbs.apply("cancel", [job], by="ann").done == (job,)
