"""What operators want of consumers while these run: more or fewer greenlets, quiet, an end."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest

from mahaam import enqueue, enqueue_many, verbs
from mahaam.core.errors import OptionNotValid
from mahaam.verbs import VerbResult
from tests.mahaam import tasks as jobs
from tests.mahaam.consumer_process import Consumer
from tests.mahaam.rows import a_worker
from tests.mahaam.stage import Stage
from tests.waiting import wait_until

SEEN_S = 2.0


@pytest.fixture(scope="module")
def consumer(stage: Stage) -> Iterator[Consumer]:
    """A consumer with two greenlets."""
    with stage.consumer("-w", "2", lease_s=2, beat_s=0.4) as consumer:
        yield consumer.wait_ready()


@pytest.fixture
def worker(empty_stage: Stage, consumer: Consumer) -> UUID:
    """The id of the consumer's worker."""
    (row,) = empty_stage.ask("SELECT id FROM worker WHERE host <> 'h'")
    return UUID(str(row["id"]))


def row_of(stage: Stage, worker: UUID) -> dict[str, Any]:
    return stage.ask("SELECT * FROM worker WHERE id = %s", str(worker))[0]


def running(stage: Stage) -> int:
    return stage.count("state = 'running'")


def told(result: VerbResult) -> list[str]:
    return [str(reason) for reason in result.refused.values()]


def test_a_consumer_grows_while_it_runs(empty_stage: Stage, worker: UUID) -> None:
    enqueue_many(jobs.nap, [(1.0,)] * 7)
    wait_until(lambda: running(empty_stage) == 2)

    assert verbs.resize_workers([worker], 5, by="ann").done == (worker,)

    wait_until(lambda: running(empty_stage) == 5, timeout_s=SEEN_S)
    row = row_of(empty_stage, worker)
    assert (row["greenlets"], row["wanted_greenlets"], row["state"]) == (5, None, "running")
    empty_stage.wait_for_ends()
    assert empty_stage.count("state = 'completed' AND attempt = 1") == 7


def test_a_consumer_shrinks_and_lets_what_runs_finish(empty_stage: Stage, worker: UUID) -> None:
    enqueue_many(jobs.nap, [(1.2,)] * 5 + [(0.05,)] * 6)
    wait_until(lambda: running(empty_stage) == 5)
    verbs.resize_workers([worker], 1, by="ann")
    wait_until(lambda: row_of(empty_stage, worker)["greenlets"] == 1, timeout_s=SEEN_S)
    assert running(empty_stage) == 5

    empty_stage.wait_for_ends()

    assert empty_stage.count("state = 'completed' AND attempt = 1") == 11
    starts = empty_stage.ask(
        "SELECT started_at, finished_at FROM job WHERE args = '[0.05]' ORDER BY started_at"
    )
    assert all(a["finished_at"] <= b["started_at"] for a, b in pairwise(starts))


@pytest.mark.parametrize("way", ["by its row", "by SIGUSR1"])
def test_a_quiet_consumer_finishes_and_takes_nothing_until_it_is_woken(
    empty_stage: Stage, consumer: Consumer, worker: UUID, way: str
) -> None:
    runs = enqueue(jobs.nap, (1.0,))
    empty_stage.wait_for_state(runs.id, "running")
    if way == "by its row":
        assert verbs.quiet_workers([worker], by="ann").done == (worker,)
    else:
        consumer.send(signal.SIGUSR1)
    wait_until(lambda: row_of(empty_stage, worker)["state"] == "quiet", timeout_s=SEEN_S)
    waits = enqueue(jobs.nothing)
    empty_stage.wait_for_state(runs.id, "completed")
    wait_until(lambda: empty_stage.count(f"id = '{waits.id}' AND now() - queued_at > '0.6 s'"))
    assert empty_stage.job(waits.id)["state"] == "queued"
    assert told(verbs.quiet_workers([worker], by="bob")) == [
        f"Worker {worker} cannot be made quiet: it is quiet already."
    ]

    assert verbs.wake_workers([worker], by="ann").done == (worker,)

    empty_stage.wait_for_state(waits.id, "completed", timeout_s=SEEN_S)
    row = row_of(empty_stage, worker)
    assert (row["state"], row["wanted_state"]) == ("running", None)


def test_a_refusal_says_why(empty_stage: Stage, worker: UUID) -> None:
    other = {
        "stopped": ("stopped", 60, "it stopped 3 min ago"),
        "lost": ("lost", -1, "it was lost 3 min ago"),
        "silent": ("running", -1, "it has not been heard of for 3 min"),
        "stopping": ("stopping", 60, "it is stopping already"),
    }
    for state, lease_s, reason in other.values():
        id_ = UUID(a_worker(empty_stage, state=state, lease_s=lease_s))
        long_ago = "now() - interval '185 s'"
        ended = long_ago if state in ("stopped", "lost") else "NULL"
        empty_stage.ask(f"UPDATE worker SET stopped_at = {ended}, beat_at = {long_ago}"
                        f" WHERE id = '{id_}'")  # fmt: skip
        assert told(verbs.resize_workers([id_], 3, by="ann")) == [
            f"Worker {id_} cannot be resized: {reason}."
        ]
    nobody = uuid4()
    assert told(verbs.stop_workers([nobody], by="ann")) == [f"No worker {nobody} exists."]
    assert told(verbs.wake_workers([worker], by="ann")) == [
        f"Worker {worker} cannot be woken: it takes jobs already."
    ]
    with pytest.raises(OptionNotValid, match="from 1 to 1000; it is 0"):
        verbs.resize_workers([worker], 0, by="ann")
    empty_stage.ask("DELETE FROM worker WHERE host = 'h'")


def test_a_quiet_worker_holds_its_jobs(empty_stage: Stage, consumer: Consumer) -> None:
    held = UUID(a_worker(empty_stage, state="quiet"))
    empty_stage.ask(
        "INSERT INTO job (id, task, queue, state, started_at, worker_id, attempt)"
        " VALUES (%s, 't', 'default', 'running', now(), %s, 1)",
        str(uuid4()),
        str(held),
    )
    done = enqueue(jobs.nap, (1.2,))  # longer than it takes to look for orphans
    empty_stage.wait_for_state(done.id, "completed")

    assert empty_stage.count(f"worker_id = '{held}' AND state = 'running'") == 1
    empty_stage.ask("UPDATE worker SET lease_until = now() - interval '1 h' WHERE host = 'h'")
    wait_until(lambda: row_of(empty_stage, held)["state"] == "lost", timeout_s=5)
    empty_stage.ask("DELETE FROM worker WHERE host = 'h'; DELETE FROM job")


def test_a_consumer_ends_as_an_operator_wishes(
    empty_stage: Stage, consumer: Consumer, worker: UUID
) -> None:
    runs = enqueue(jobs.nap, (1.0,))
    empty_stage.wait_for_state(runs.id, "running")

    assert verbs.stop_workers([worker], by="ann").done == (worker,)

    assert told(verbs.quiet_workers([worker], by="bob")) == [
        f"Worker {worker} cannot be made quiet: it is stopping already."
    ]
    assert consumer.wait(SEEN_S + 3) == 0
    assert "Stopping: an operator asked for it." in consumer.log
    assert row_of(empty_stage, worker)["state"] == "stopped"
    assert empty_stage.job(runs.id)["state"] == "completed"
