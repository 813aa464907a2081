"""Signals, hooks and periodic tasks on two real consumers, and what users' code cannot break."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from mahaam import chord, huey
from mahaam.enqueuing import accept
from mahaam.huey_adapter.tasks.message import new_job_of
from mahaam.jobs.follow_ups import FollowUp
from mahaam.postgres import database
from mahaam.schedules import periodic_store
from tests.machine import within
from tests.mahaam import huey_jobs
from tests.mahaam import tasks as jobs
from tests.mahaam.conftest import MakeStage
from tests.mahaam.consumer_process import Consumer
from tests.mahaam.stage import Stage
from tests.waiting import wait_until

MODULES = "tests.mahaam.tasks,tests.mahaam.huey_jobs"
WORKERS = 4
PAIR = ["executing", "interrupted"]


@dataclass
class Witnessed:
    """A stage, its consumers, and the files of their witnesses."""

    stage: Stage
    consumers: list[Consumer]
    files: list[Path]

    def signals(self, job_id: str) -> list[str]:
        """What the consumers said of a job, in order."""
        lines = [line.split() for path in self.files for line in path.read_text().splitlines()]
        return [name for id_, name in lines if id_ == job_id]

    def wait_for(self, job_id: str, *expected: str) -> None:
        """Return when exactly these signals were said of a job."""
        wait_until(
            lambda: self.signals(job_id) == list(expected),
            timeout_s=5,
            otherwise=lambda: f"{self.signals(job_id)}, not {list(expected)}",
        )


@pytest.fixture(scope="module")
def witnessed(make_stage: MakeStage) -> Iterator[Witnessed]:
    with make_stage() as stage, stage.here(task_modules=MODULES):
        files = [stage.folder / f"witness-{number}" for number in (1, 2)]
        settings = {"task_modules": MODULES, "hook_timeout_s": 0.5}
        with (
            stage.consumer("--shutdown-timeout=1", witness=files[0], **settings) as first,
            stage.consumer("--shutdown-timeout=1", witness=files[1], **settings) as second,
        ):
            for consumer in (first, second):
                consumer.wait_ready()
            yield Witnessed(stage, [first, second], files)


def test_a_job_that_completes(witnessed: Witnessed) -> None:
    handle = huey_jobs.plain(1)

    witnessed.wait_for(handle.id, "executing", "complete")


def test_a_job_that_is_retried_at_once(witnessed: Witnessed) -> None:
    handle = huey_jobs.fails(1)

    witnessed.stage.wait_for_state(handle.id, "failed")
    signals = witnessed.signals(handle.id)
    assert sorted(signals) == sorted(
        ["executing", "error", "retrying", "enqueued", "enqueued", "executing", "error"]
    )


def test_a_job_that_is_retried_later_is_scheduled_and_enqueued_again(witnessed: Witnessed) -> None:
    handle = huey_jobs.fails_later()

    witnessed.stage.wait_for_state(handle.id, "failed")
    for signal in ("retrying", "scheduled", "enqueued"):
        assert witnessed.signals(handle.id).count(signal) == 1
    assert witnessed.signals(handle.id).count("error") == 2


def test_a_delayed_job_is_enqueued_again_when_it_is_due(witnessed: Witnessed) -> None:
    handle = huey_jobs.plain.schedule((1,), delay=0.2)

    witnessed.stage.wait_for_state(handle.id, "completed")
    assert sorted(witnessed.signals(handle.id)) == ["complete", "enqueued", "executing"]


def test_a_job_that_is_too_late(witnessed: Witnessed) -> None:
    handle = huey.enqueue(huey_jobs.plain.s(1, expires=datetime(2020, 1, 1, tzinfo=UTC)))

    witnessed.wait_for(handle.id, "expired")
    assert witnessed.stage.job(handle.id)["state"] == "expired"


def test_a_revoked_job(witnessed: Witnessed) -> None:
    handle = huey_jobs.plain.schedule((1,), delay=0.3)
    handle.revoke()

    witnessed.stage.wait_for_state(handle.id, "cancelled")
    assert sorted(witnessed.signals(handle.id)) == ["enqueued", "revoked"]


def test_a_job_that_takes_too_long(witnessed: Witnessed) -> None:
    handle = huey.enqueue(jobs.nap.s(5, timeout=0.1))

    witnessed.wait_for(handle.id, "executing", "timeout")


def test_a_job_beyond_its_limit(witnessed: Witnessed) -> None:
    handles = [huey_jobs.limited() for _ in range(3)]

    wait_until(lambda: any("rate-limited" in witnessed.signals(each.id) for each in handles))
    (late,) = (each for each in handles if "rate-limited" in witnessed.signals(each.id))
    for each in handles:  # they start at the same time: whichever comes third is late
        if each is not late:
            witnessed.stage.wait_for_state(each.id, "completed")
    witnessed.wait_for(late.id, "executing", "rate-limited", "retrying", "scheduled")
    witnessed.stage.ask("DELETE FROM job WHERE id = %s", late.id)


def test_the_callback_of_a_chord_is_announced(witnessed: Witnessed) -> None:
    result = huey.enqueue(chord([huey_jobs.plain.s(1), huey_jobs.plain.s(2)], huey_jobs.plain.s()))

    assert result.get(blocking=True, timeout=within(5)) == [1, 2]
    wait_until(
        lambda: (
            sorted(witnessed.signals(result.callback.id)) == ["complete", "enqueued", "executing"]
        )
    )


@pytest.mark.parametrize("trouble", ["exit", "block", "hook"])
def test_nothing_that_a_handler_does_changes_how_a_job_ends(
    witnessed: Witnessed, trouble: str
) -> None:
    began = time.monotonic()
    handle = huey_jobs.plain("fine", trouble=trouble)

    assert handle.get(blocking=True, timeout=within(5)) == "fine"
    assert time.monotonic() - began < 30  # the handler blocks for a minute
    witnessed.wait_for(handle.id, "executing", "complete")
    wait_until(lambda: any("ERROR" in consumer.log for consumer in witnessed.consumers))


def test_a_periodic_task_is_fired_once_a_minute_by_all_consumers(witnessed: Witnessed) -> None:
    stage = witnessed.stage
    wait_until(lambda: stage.count("task LIKE '%every_minute'"), timeout_s=5)
    stage.wait_for_ends()

    fires = stage.ask("SELECT fire_at, job_id FROM periodic_fire")
    periodic_jobs = stage.ask(
        "SELECT id, state, result FROM job WHERE task LIKE %s", "%every_minute"
    )
    assert len({fire["fire_at"] for fire in fires}) == len(fires)
    assert {job["id"] for job in periodic_jobs} == {fire["job_id"] for fire in fires}
    assert {(job["state"], job["result"]) for job in periodic_jobs} == {("completed", None)}


def test_twenty_clocks_fire_a_minute_once(witnessed: Witnessed) -> None:
    minute = datetime(2031, 5, 5, 5, 5, tzinfo=UTC)
    far = datetime(2090, 1, 1, tzinfo=UTC)

    def look(_: int) -> list[str]:
        task = huey_jobs.every_minute.s()
        wanted = [FollowUp(new_job_of(task, eta=far), accept.call(task.id, (), {}))]
        fire = partial(periodic_store.fire, minute=minute, wanted=wanted)
        return database.repeatable(fire, atomic=True)

    with ThreadPoolExecutor(8) as pool:
        made = [id_ for ids in pool.map(look, range(20)) for id_ in ids]

    assert len(made) == 1
    witnessed.stage.ask("DELETE FROM job WHERE id = %s", made[0])


def test_shutdown_hooks_run_to_their_end_and_what_still_runs_is_interrupted(
    witnessed: Witnessed,
) -> None:
    long = jobs.nap(60)
    witnessed.stage.wait_for_state(long.id, "running")

    codes = [consumer.stop() for consumer in witnessed.consumers]

    assert codes == [0, 0]
    assert witnessed.signals(long.id) in (PAIR, PAIR * 2), "the other one may have taken it over"
    assert witnessed.stage.job(long.id)["state"] == "queued"
    witnessed.stage.clear()
    for path in witnessed.files:
        assert path.read_text().count("- startup") == WORKERS
        assert path.read_text().count("- shutdown") == WORKERS


def test_a_consumer_may_leave_periodic_tasks_alone(witnessed: Witnessed) -> None:
    witnessed.stage.ask("DELETE FROM periodic_fire")
    with witnessed.stage.consumer(
        "--no-periodic", "--max-time", "2", task_modules=MODULES
    ) as consumer:
        assert consumer.wait() == 0

    assert witnessed.stage.ask("SELECT * FROM periodic_fire") == []
