"""Servers go while a consumer runs: jobs are accepted all the same, and every one runs once."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from launch.os_user import server_account
from launch.redis import Redis
from mahaam import enqueue, enqueue_many
from mahaam.consumer.cycle.fetcher import LISTEN_S, STOPPED_S
from mahaam.doorbell.doorbell import ANSWER_S
from tests.mahaam import tasks as jobs
from tests.mahaam.conftest import MakeStage
from tests.mahaam.consumer_process import Consumer
from tests.mahaam.stage import Stage
from tests.servers import new_folder
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def own_redis() -> Iterator[Redis]:
    """A Redis to be stopped."""
    with new_folder() as folder:
        (folder / "log").mkdir()
        server = Redis(
            folder / "redis", account=server_account(), log_path=folder / "log" / "redis.log"
        )
        server.ends_with_parent = True
        server.start()
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="module")
def own_stage(make_stage: MakeStage, own_redis: Redis) -> Iterator[Stage]:
    """A stage whose Redis may go."""
    with make_stage() as made:
        stage = replace(made, redis_url=own_redis.url)
        with closing(stage), stage.here():
            yield stage


@pytest.fixture(scope="module")
def consumer(own_stage: Stage) -> Iterator[Consumer]:
    """The consumer that has to live through all this."""
    with own_stage.consumer(ring_grace_s=0.5) as consumer:
        yield consumer.wait_ready()
        assert consumer.stop() == 0


def test_jobs_accepted_while_redis_is_away_run_when_it_is_back(
    own_stage: Stage, own_redis: Redis, consumer: Consumer
) -> None:
    before = enqueue(jobs.nap, (0.5,))
    own_stage.wait_for_state(before.id, "running")
    own_redis.stop()

    accepted = enqueue(jobs.add, (1, 2))
    retried = enqueue(jobs.retry_itself, (0.1,))
    assert enqueue_many(jobs.nothing, [()] * 50) == 50
    own_stage.wait_for_state(before.id, "completed")
    assert own_stage.job(accepted.id)["state"] == "queued"
    own_redis.start()

    own_stage.wait_for_ends(timeout_s=20)
    assert own_stage.job(accepted.id)["result"] == 3
    assert own_stage.job(retried.id)["result"] == 2
    assert own_stage.count("attempt = 1 AND state = 'completed'") == 52
    assert "Redis is away" in consumer.log
    assert "Traceback" not in consumer.log


def test_a_consumer_outlives_every_broken_connection_to_postgresql(
    own_stage: Stage, consumer: Consumer
) -> None:
    own_stage.clear()
    enqueue_many(jobs.nap, [(0.02,)] * 60)
    wait_until(lambda: own_stage.count("state = 'completed'") > 5)
    ended = own_stage.ask(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name LIKE 'mahaam %' AND datname = current_database()"
    )
    assert len(ended) >= 3

    own_stage.wait_for_ends()
    assert own_stage.count("state = 'completed' AND attempt = 1") == 60
    assert own_stage.ask("SELECT 1 FROM attempt") == []
    assert "PostgreSQL is back." in consumer.log


def test_a_consumer_that_was_stopped_does_not_take_redis_for_away(stage: Stage) -> None:
    with stage.consumer("--workers", "1", lease_s=120, freeze_limit_s=60) as consumer:
        consumer.wait_ready()
        os.kill(consumer.pid, signal.SIGSTOP)
        time.sleep(ANSWER_S + LISTEN_S + 2 * STOPPED_S)  # an answer comes, and nobody takes it
        os.kill(consumer.pid, signal.SIGCONT)
        stage.wait_for_state(enqueue(jobs.nothing).id, "completed")
        assert consumer.stop() == 0
    assert "Redis is away" not in consumer.log
