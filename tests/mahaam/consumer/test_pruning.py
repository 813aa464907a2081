"""Jobs are deleted when their time is over: by state and task, oldest first, in small steps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mahaam.postgres import database
from mahaam.store import pruning
from mahaam.store.pruning import PruneStep, Retention, prune
from tests.mahaam.stage import Stage
from tests.waiting import wait_until

KEPT = Retention(
    {"completed": 30, "failed": 90, "cancelled": 30, "expired": 0}, {"short": 1, "long": 0}
)
JOB = """
INSERT INTO job (id, task, queue, state, run_at, started_at, finished_at, worker_id, attempt, created_at)
SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7'
        || substr(md5(random()::text), 1, 3) || '8' || substr(md5(random()::text), 1, 15))::uuid,
       %s, 'default', state, at, at, CASE WHEN state NOT IN ('queued', 'running', 'scheduled') THEN at END,
       gen_random_uuid(), 1, at
FROM (SELECT %s AS state, now() - %s * interval '1 day' AS at FROM generate_series(1, %s)) AS made
RETURNING id::text
"""


@pytest.fixture(autouse=True)
def _empty(empty_stage: Stage) -> None:
    empty_stage.ask("DELETE FROM pruned")
    empty_stage.ask("UPDATE pruning SET after = DEFAULT, pass_ended_at = NULL")


def jobs(stage: Stage, state: str, days: float, *, task: str = "t", count: int = 1) -> list[str]:
    return [row["id"] for row in stage.ask(JOB, task, state, days, count)]


def step(retention: Retention = KEPT, limit: int = 1000) -> PruneStep:
    done = database.repeatable(lambda cursor: prune(cursor, retention, limit=limit), atomic=True)
    assert done is not None
    return done


# state, days since its end, task, whether it is deleted
CASES = (
    ("completed", 29, "t", False),
    ("completed", 31, "t", True),
    ("failed", 89, "t", False),
    ("failed", 91, "t", True),
    ("cancelled", 31, "t", True),
    ("expired", 4000, "t", False),
    ("completed", 2, "short", True),
    ("failed", 2, "short", True),
    ("completed", 0.5, "short", False),
    ("completed", 4000, "long", False),
    ("queued", 4000, "t", False),
    ("running", 4000, "t", False),
    ("scheduled", 4000, "t", False),
)


@pytest.mark.parametrize(("state", "days", "task", "is_deleted"), CASES)
def test_a_job_is_kept_as_long_as_its_state_and_task_say(
    stage: Stage, state: str, days: float, task: str, is_deleted: bool
) -> None:
    (job,) = jobs(stage, state, days, task=task)
    assert step() == PruneStep(int(is_deleted), is_over=True)
    assert bool(stage.job(job)) is not is_deleted


@pytest.mark.parametrize("is_open", [True, False])
def test_a_job_with_an_open_dead_letter_stays(stage: Stage, is_open: bool) -> None:
    (job,) = jobs(stage, "failed", 200)
    stage.add("dead_letter", of=job, resolved_at=None if is_open else datetime.now(UTC))
    step()
    assert bool(stage.job(job)) is is_open
    assert bool(stage.letters(job)) is is_open


def test_attempts_and_lines_go_with_their_job(stage: Stage) -> None:
    (job,) = jobs(stage, "completed", 31)
    stage.add("attempt", job_id=job)
    stage.add("job_log", job_id=job)
    step()
    assert stage.ask("SELECT FROM attempt") == stage.ask("SELECT FROM job_log") == []


def test_the_oldest_go_first_and_the_next_step_goes_on_behind_those_that_stay(stage: Stage) -> None:
    stay = jobs(stage, "expired", 300, count=4)
    old, young = jobs(stage, "completed", 200, count=3), jobs(stage, "completed", 40, count=3)
    assert step(limit=6) == PruneStep(2, is_over=False)
    left = [job for job in old if stage.job(job)]
    assert len(left) == 1
    assert step(limit=6) == PruneStep(4, is_over=True)
    assert [job for job in (*stay, *old, *young) if stage.job(job)] == stay
    assert stage.ask("SELECT pass_ended_at FROM pruning")[0]["pass_ended_at"]


def test_what_was_deleted_is_counted(stage: Stage) -> None:
    jobs(stage, "completed", 31, count=3)
    jobs(stage, "failed", 91, count=2)
    step(limit=4)
    step()
    counts = stage.ask("SELECT state, count FROM pruned WHERE day = current_date ORDER BY state")
    assert [(row["state"], row["count"]) for row in counts] == [("completed", 3), ("failed", 2)]


def test_one_takes_steps_at_a_time(stage: Stage) -> None:
    jobs(stage, "completed", 31)
    with database.transaction() as cursor:
        assert prune(cursor, KEPT, limit=10) == PruneStep(1, is_over=True)
        assert database.repeatable(lambda other: prune(other, KEPT, limit=10), atomic=True) is None


def test_a_job_that_somebody_works_on_stays_and_nobody_waits(stage: Stage) -> None:
    (job,) = jobs(stage, "completed", 31)
    with database.transaction() as cursor:
        cursor.execute("SELECT FROM job WHERE id = %s FOR UPDATE", (job,))
        assert step().deleted == 0  # this transaction would not end while it waited


def test_nothing_is_deleted_when_all_is_kept_for_ever(stage: Stage) -> None:
    jobs(stage, "completed", 4000)
    assert step(Retention(dict.fromkeys(("completed", "failed"), 0))) == PruneStep(0, is_over=True)


def test_a_window_is_read_by_the_primary_key(stage: Stage) -> None:
    jobs(stage, "completed", 31, count=3000)
    stage.ask("DELETE FROM pruned; ANALYZE job")
    values = {
        "after": pruning.NONE, "before": "ffffffff-0000-0000-0000-000000000000", "limit": 100,
        "tasks": ["short"], "task_days": [1], "states": ["completed"], "state_days": [30],
    }  # fmt: skip
    with database.transaction() as cursor:
        cursor.execute(f"EXPLAIN {pruning.WINDOW}", values)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "job_pkey on job" in plan
    assert "Seq Scan on job" not in plan


def test_a_consumer_prunes_by_itself(stage: Stage) -> None:
    old = jobs(stage, "completed", 31, count=250)
    (kept,) = jobs(stage, "completed", 1)
    with stage.consumer():
        wait_until(lambda: not any(stage.job(job) for job in old[::50]), timeout_s=15)
        wait_until(lambda: stage.ask("SELECT pass_ended_at FROM pruning")[0]["pass_ended_at"])
    assert stage.job(kept)
    assert datetime.now(UTC) - timedelta(minutes=1) < stage.ask("SELECT pass_ended_at FROM pruning")[0][
        "pass_ended_at"
    ]  # fmt: skip
