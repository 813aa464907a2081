"""A user of Redis with just the rights in the documents: enough for the product, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import redis
from redis.exceptions import NoPermissionError

from dashboard import create_app
from mahaam import enqueue, enqueue_many, verbs
from mahaam.addresses.redis_rights import refused, rules
from mahaam.config import PROJECT_DIR
from tests.dashboard.browser import Browser
from tests.mahaam import tasks as jobs
from tests.mahaam.stage import Stage, new_stage
from tests.servers import TestServers

USER = "narrow"


@pytest.fixture
def stage(servers: TestServers, tmp_path: Path) -> Iterator[Stage]:
    """A stage whose processes use Redis as that user."""
    with new_stage(servers, tmp_path) as wide, wide.redis() as root:
        give(root, rules(USER, wide.prefix))
        root.acl_log_reset()
        url = wide.redis_url.replace("unix://", f"unix://{USER}:PASSWORD@")
        yield replace(wide, redis_url=url)
        root.acl_deluser(USER)


def give(root: redis.Redis, line: str) -> None:
    root.execute_command("ACL", "SETUSER", *line.split()[1:])


def test_the_product_needs_no_more(stage: Stage, servers: TestServers) -> None:
    with stage.here(), stage.consumer("--queues", "default,emails") as consumer:
        consumer.wait_ready()
        stage.ask("UPDATE queue SET rate_limit = 100, rate_period_s = 1 WHERE name = 'emails'")
        assert jobs.add(1, 2).get(blocking=True, timeout=30) == 3
        enqueue_many(jobs.nothing, [()] * 100)
        enqueue(jobs.nothing, delay=0.1)
        enqueue(jobs.nothing, queue="emails", priority=5)
        enqueue(jobs.fall, max_retries=1, retry_delay=0.1)
        waits = [enqueue(jobs.nothing, queue="reports", priority=number) for number in range(3)]
        verbs.apply("set_priority", [waits[0].id], priority=9, by="ann")
        verbs.apply("cancel", [waits[1].id], by="ann")
        with stage.redis() as client:
            client.delete(stage.key("reports"), f"{stage.prefix}:memory")
        verbs.compare_notices(repair=True, by="ann")
        verbs.sample_notices()
        verbs.clear("reports", by="ann")
        Browser(create_app()).log_in("ann@example.com")  # fails, and is counted in Redis
        stage.wait_for_ends(timeout_s=60)
        assert consumer.stop() == 0
    with redis.Redis.from_url(servers.redis.url) as root:
        assert [entry["object"] for entry in root.acl_log() if entry["username"] == USER] == []


def test_what_a_user_lacks_is_named(stage: Stage, servers: TestServers) -> None:
    with stage.redis() as client, redis.Redis.from_url(servers.redis.url) as root:
        assert refused(client, stage.prefix) == []
        for call in ("ZPOPMIN", "SCRIPT LOAD"):
            give(root, f"user {USER} -{call.lower().replace(' ', '|')}")
        assert refused(client, stage.prefix) == ["ZPOPMIN", "SCRIPT LOAD"]
        assert set(refused(client, "another")) >= {"ZADD", "SET", "PUBLISH"}


@pytest.mark.parametrize("call", ["CONFIG GET *", "FLUSHALL", "KEYS *", "ACL LIST"])
def test_nothing_else_is_allowed(stage: Stage, call: str) -> None:
    with stage.redis() as client, pytest.raises(NoPermissionError):
        client.execute_command(*call.split())


def test_the_documents_say_the_same() -> None:
    page = (PROJECT_DIR / "docs" / "operations.md").read_text("utf-8")
    assert rules("mahaam", "mahaam") in " ".join(page.split())
