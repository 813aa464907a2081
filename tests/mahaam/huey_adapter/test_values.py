"""What Huey keeps beside the jobs: revocations, locks, limits, values; all in PostgreSQL."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from uuid import uuid4

import pytest
from huey.constants import EmptyData

from mahaam import RateLimitExceeded, TaskLockedException, huey
from mahaam.postgres import database
from mahaam.queries import values as queries
from mahaam.store import exchange, locks, values
from mahaam.store.locks import Holder
from tests.machine import within
from tests.mahaam import huey_jobs, rows
from tests.mahaam.stage import Stage
from tests.waiting import wait_until

MODULES = "tests.mahaam.tasks,tests.mahaam.huey_jobs"
CLAIM = "EXPLAIN EXECUTE exchange ('{}', '{}', '{}', '{}', 'running', %s, '{}', 'queued', %s, '{}')"


def ask(work: object) -> object:
    return database.repeatable(work)  # type: ignore[arg-type]


def revocations() -> set[str]:
    return {key for key in huey.storage.result_items() if key.startswith("r")}


# Revocations.


def test_a_revoked_job_is_not_started_and_a_restored_one_is(stage: Stage) -> None:
    held, free, all_of_it = huey_jobs.plain(1), huey_jobs.plain(2), huey_jobs.itself()
    held.revoke()
    free.revoke()
    free.restore()
    huey_jobs.itself.revoke()
    try:
        with stage.consumer("--stop-when-empty", task_modules=MODULES) as consumer:
            assert consumer.wait() == 0
    finally:
        huey_jobs.itself.restore()

    states = [stage.job(handle.id)["state"] for handle in (held, free, all_of_it)]
    assert states == ["cancelled", "completed", "cancelled"]
    assert not held.is_revoked(), "it was revoked once"


def test_a_start_tells_whether_anything_is_revoked(empty_stage: Stage) -> None:
    worker_id = rows.a_worker(empty_stage)

    def may_be_revoked() -> bool:
        id_ = rows.a_job(empty_stage)
        with database.connection() as link, link.cursor() as cursor:
            link.prepare("exchange", exchange.PREPARE)
            _, (claim,) = exchange.exchange(
                cursor, [], [id_], worker_id=worker_id, unsure=[], durable=False
            )
        return claim.may_be_revoked

    assert not may_be_revoked()
    huey.put("other", 1)
    assert not may_be_revoked()
    huey.revoke_by_id(str(uuid4()))
    assert may_be_revoked()
    huey.storage.flush_results()


def test_the_question_whether_anything_is_revoked_is_asked_once_per_start(stage: Stage) -> None:
    with database.connection() as link, link.cursor() as cursor:
        link.prepare("exchange", exchange.PREPARE)
        cursor.execute("SET enable_seqscan = off")
        cursor.execute(CLAIM, ("{" + str(uuid4()) + "}", str(uuid4())))
        plan = "\n".join(line for (line,) in cursor.fetchall())
        cursor.execute("RESET enable_seqscan")

    question = plan[: plan.index("kept_value")].splitlines()
    assert any("InitPlan" in line for line in question[-3:]), plan
    assert "kept_value_pkey" in plan


def test_a_revocation_goes_with_its_job(empty_stage: Stage) -> None:
    over, waits, young = (
        rows.a_job(empty_stage, state) for state in ("completed", "queued", "failed")
    )
    empty_stage.ask("UPDATE job SET finished_at = now() - interval '1 h' WHERE id = %s", over)
    for id_ in (over, waits, young):
        huey.revoke_by_id(id_)
    huey.revoke_all(huey_jobs.plain)

    ask(values.prune)

    name = huey_jobs.plain.path
    assert revocations() == {f"r:{waits}", f"r:{young}", f"rt:{name}"}
    huey.storage.flush_results()


# Locks.


def a_holder(stage: Stage, *, worker: str = "running", lease_s: float = 60) -> Holder:
    worker_id = rows.a_worker(stage, state=worker, lease_s=lease_s)
    job_id = rows.a_job(stage, "running", worker_id=f"'{worker_id}'")
    return Holder(str(uuid4()), job_id, 1, worker_id)


def take(holder: Holder, *, ttl_s: float | None = None) -> bool:
    return bool(ask(partial(locks.acquire, name="narrow", holder=holder, ttl_s=ttl_s)))


@pytest.fixture
def _no_locks(empty_stage: Stage) -> None:
    ask(locks.flush)


@pytest.mark.usefixtures("_no_locks")
def test_a_lock_holds_while_its_job_runs_in_a_living_worker(empty_stage: Stage) -> None:
    first = a_holder(empty_stage)
    assert take(first)
    assert not take(a_holder(empty_stage))

    empty_stage.ask(
        "UPDATE job SET state = 'completed', finished_at = now() WHERE id = %s", first.job_id
    )
    assert take(a_holder(empty_stage))


@pytest.mark.usefixtures("_no_locks")
@pytest.mark.parametrize(("worker", "lease_s"), [("lost", 60), ("stopped", 60), ("running", -1)])
def test_a_lock_dies_with_the_lease_of_its_worker(
    empty_stage: Stage, worker: str, lease_s: float
) -> None:
    assert take(a_holder(empty_stage, worker=worker, lease_s=lease_s))

    assert take(a_holder(empty_stage))


@pytest.mark.usefixtures("_no_locks")
def test_a_lock_of_an_earlier_attempt_is_over(empty_stage: Stage) -> None:
    first = a_holder(empty_stage)
    assert take(first)
    empty_stage.ask("UPDATE job SET attempt = 2 WHERE id = %s", first.job_id)

    assert take(first._replace(id=str(uuid4()), attempt=2))


@pytest.mark.usefixtures("_no_locks")
def test_a_lock_may_have_an_end(empty_stage: Stage) -> None:
    assert take(Holder(str(uuid4())), ttl_s=0.05)
    assert not take(Holder(str(uuid4())))

    wait_until(partial(take, Holder(str(uuid4()))))


@pytest.mark.usefixtures("_no_locks")
def test_only_its_holder_releases_a_lock(empty_stage: Stage) -> None:
    lock = huey.lock_task("one")
    with lock:
        ask(partial(locks.release, name=lock._key, holder_id=str(uuid4())))
        assert lock.is_locked()
        with pytest.raises(TaskLockedException):
            huey.lock_task("one").acquire()
    assert not lock.is_locked()


@pytest.mark.usefixtures("_no_locks")
def test_a_late_release_does_not_take_the_next_holders_lock(empty_stage: Stage) -> None:
    lock = huey.lock_task("one")
    with lock:
        assert huey.flush_locks("one") >= {"one"}
        huey.lock_task("one").acquire()
    assert lock.is_locked()
    assert lock.clear()


def test_a_locked_task_runs_one_at_a_time_across_consumers(stage: Stage) -> None:
    stage.clear()
    handles = [huey_jobs.alone(0.2) for _ in range(4)]
    with (
        stage.consumer(task_modules=MODULES) as first,
        stage.consumer(task_modules=MODULES) as second,
    ):
        ends = sorted(handle.get(blocking=True, timeout=within(20)) for handle in handles)
        assert (first.stop(), second.stop()) == (0, 0)

    assert all(later - earlier >= 0.2 for earlier, later in pairwise(ends))


# Limits.


def test_a_limit_lets_so_many_in_however_many_come_at_once(stage: Stage) -> None:
    limit = huey.rate_limit("eight", limit=8, per=3600)
    waits_s: list[float] = []

    def enter(_: int) -> bool:
        try:
            limit.acquire()
        except RateLimitExceeded as refusal:
            waits_s.append(refusal.delay)
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        entered = list(pool.map(enter, range(20)))

    assert (entered.count(True), limit.current_usage()) == (8, 20)
    assert all(0 < wait_s <= 3600 for wait_s in waits_s)
    limit.reset()
    assert limit.current_usage() == 0
    assert enter(0)


def test_a_window_that_is_over_counts_from_one_again_and_is_forgotten(stage: Stage) -> None:
    limit = huey.rate_limit("short", limit=1, per=0.2)
    limit.acquire()
    time.sleep(0.25)
    limit.acquire()
    time.sleep(0.25)

    ask(values.prune)

    assert stage.ask("SELECT * FROM kept_counter WHERE key LIKE '%%short%%'") == []


# Values.


def test_values_are_kept_until_they_are_taken_or_over(stage: Stage) -> None:
    huey.put("a", {"b": [1, (2, None)]})
    assert huey.get("a", peek=True) == {"b": [1, (2, None)]}
    assert huey.get("a") == {"b": [1, (2, None)]}
    assert huey.storage.peek_data("a") is EmptyData

    assert huey.put_if_empty("c", 1, ttl=0.05)
    assert not huey.put_if_empty("c", 2)
    wait_until(partial(huey.put_if_empty, "c", 3))
    assert huey.get("c") == 3


def test_counters_count(stage: Stage) -> None:
    assert [huey.storage.incr("n"), huey.storage.incr("n", 4), huey.storage.incr("n", 0)] == [
        1,
        5,
        5,
    ]
    huey.storage.delete_counter("n")
    assert ask(partial(queries.counter, key="n")) == 0


def test_redis_keeps_nothing_of_all_that(stage: Stage) -> None:
    with stage.redis() as client:
        keys = {key.decode() for key in client.keys(f"{stage.prefix}:*")}

    assert {key.split(":")[1] for key in keys} <= {"queue", "memory"}
