"""What Redis has lost, for whatever reason, is found and rung in bulk; nothing lost costs nothing."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial

import psycopg2
import pytest
import redis

from mahaam import enqueue, enqueue_in_transaction, enqueue_many
from mahaam.consumer.maintenance import lost_notices
from mahaam.consumer.maintenance.lost_notices import LostNotices
from mahaam.doorbell.doorbell import Doorbell
from mahaam.doorbell.replay_lock import ReplayLock
from mahaam.enqueuing import accept
from mahaam.postgres import database
from mahaam.postgres.reconnecting import ReconnectingConnection
from mahaam.queries import notices
from mahaam.queues import reconciliation
from mahaam.store import incidents
from tests.mahaam import rows
from tests.mahaam import tasks as jobs
from tests.mahaam.stage import Stage
from tests.waiting import wait_until

MANY = 4000
GRACE_S = 0.5
# A queued job, first in the line of those with its priority, unless said otherwise.
FILL = """
INSERT INTO job (id, task, queue, state, priority, queued_at)
SELECT gen_random_uuid(), 'tests.mahaam.tasks.nothing', 'default', 'queued', %s,
       now() - interval '1 hour' + n * interval '1 millisecond'
FROM generate_series(1, %s) AS n
"""


@pytest.fixture
def client(empty_stage: Stage) -> Iterator[redis.Redis]:
    with empty_stage.redis() as client:
        yield client


@pytest.fixture
def link(empty_stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReconnectingConnection]:
    monkeypatch.setattr(lost_notices, "SETTLING_S", 0.0)
    monkeypatch.setattr(lost_notices, "LOOK_SHARE", 0.0)
    link = ReconnectingConnection("test", timeout_s=60)
    yield link
    link.close()


@pytest.fixture
def lost(empty_stage: Stage, client: redis.Redis) -> LostNotices:
    """One consumer's eyes, on a Redis that has its memory."""
    client.set(f"{empty_stage.prefix}:memory", "1")
    ringing = ReplayLock(client, empty_stage.prefix)
    return LostNotices(Doorbell(client, empty_stage.prefix), ringing, grace_s=GRACE_S)


def fill(stage: Stage, count: int = MANY, *, priority: int = 0) -> None:
    """Queue many jobs with their notices."""
    stage.ask(FILL, priority, count)
    page = partial(notices.expected, queue="default", grace_s=0, limit=100_000)
    accept.ring(database.repeatable(page))


def look(lost: LostNotices, link: ReconnectingConnection, *, times: int = 2) -> None:
    """Look as often as is needed to be sure, then ring."""
    for _ in range(times):
        lost.look(link, [])
    while True:
        lost.step(link)
        if lost._replay is None:
            return


def the_key(stage: Stage, client: redis.Redis) -> None:
    client.delete(stage.key())


def the_end(stage: Stage, client: redis.Redis) -> None:
    """As a promoted replica that lags behind."""
    client.zremrangebyrank(stage.key(), MANY // 2, -1)


def the_beginning(stage: Stage, client: redis.Redis) -> None:
    client.zremrangebyrank(stage.key(), 0, MANY // 2)


def every_third(stage: Stage, client: redis.Redis) -> None:
    members = client.zrange(stage.key(), 0, -1)
    client.zrem(stage.key(), *members[::3])


@pytest.mark.parametrize("is_first", [True, False])
def test_a_redis_that_is_used_for_the_first_time_has_lost_nothing(
    empty_stage: Stage,
    client: redis.Redis,
    lost: LostNotices,
    link: ReconnectingConnection,
    is_first: bool,
) -> None:
    empty_stage.ask("DELETE FROM incident")
    if not is_first:
        link.run(incidents.begin_memory)
    fill(empty_stage, 20)
    client.delete(empty_stage.key(), f"{empty_stage.prefix}:memory")

    look(lost, link)

    assert len(empty_stage.rung()) == 20
    noted = empty_stage.ask("SELECT kind FROM incident WHERE kind LIKE 'redis%%' ORDER BY id")
    expected = ["redis_memory_began"] if is_first else ["redis_memory_began", "redis_memory_lost"]
    assert [row["kind"] for row in noted] == expected


@pytest.mark.parametrize("loss", [the_key, the_end, the_beginning, every_third])
def test_whatever_is_lost_is_rung_at_once(
    empty_stage: Stage,
    client: redis.Redis,
    lost: LostNotices,
    link: ReconnectingConnection,
    loss: Callable[[Stage, redis.Redis], None],
) -> None:
    fill(empty_stage)
    before = empty_stage.rung()
    loss(empty_stage, client)

    look(lost, link)

    assert empty_stage.rung() == before


def test_a_loss_in_the_middle_is_found_by_looking_again(
    empty_stage: Stage, client: redis.Redis, lost: LostNotices, link: ReconnectingConnection
) -> None:
    fill(empty_stage)
    client.zremrangebyrank(empty_stage.key(), MANY // 4, MANY * 3 // 4)

    def is_whole() -> bool:
        look(lost, link)
        return client.zcard(empty_stage.key()) == MANY

    wait_until(is_whole, timeout_s=60)


def test_each_queue_and_each_priority_is_looked_at(
    empty_stage: Stage, client: redis.Redis, lost: LostNotices, link: ReconnectingConnection
) -> None:
    for priority in (9, 0, -9):
        fill(empty_stage, 1000, priority=priority)
    for queue in ("emails", "reports"):
        enqueue_many(jobs.nothing, [()] * 1000, queue=queue)
    empty_stage.ask("UPDATE job SET queued_at = queued_at - interval '1 minute'")
    client.delete(empty_stage.key("reports"))
    client.zremrangebyrank(empty_stage.key(), 2000, 2999)

    def is_whole() -> bool:
        look(lost, link)
        return [client.zcard(empty_stage.key(q)) for q in ("default", "reports")] == [3000, 1000]

    wait_until(is_whole, timeout_s=60)


def test_only_what_is_lost_for_two_looks_is_rung(
    empty_stage: Stage, client: redis.Redis, lost: LostNotices, link: ReconnectingConnection
) -> None:
    """What was just popped is queued for a moment more."""
    fill(empty_stage, 10)
    popped, *_ = client.zpopmin(empty_stage.key(), 1)

    look(lost, link, times=1)
    assert client.zcard(empty_stage.key()) == 9
    empty_stage.ask("UPDATE job SET queued_at = now() WHERE id = %s", popped[0].decode())
    look(lost, link, times=1)  # queued once more, by whoever took it
    assert client.zcard(empty_stage.key()) == 9

    empty_stage.ask(
        "UPDATE job SET queued_at = now() - interval '1 h' WHERE id = %s", popped[0].decode()
    )
    look(lost, link)
    assert client.zcard(empty_stage.key()) == 10


def test_nobody_rings_for_the_young(
    empty_stage: Stage, client: redis.Redis, lost: LostNotices, link: ReconnectingConnection
) -> None:
    young = enqueue(jobs.nothing)
    old = rows.a_job(empty_stage, queued_at="now() - interval '1 min'")
    client.delete(empty_stage.key())

    look(lost, link)

    assert list(empty_stage.rung()) == [old]
    assert str(young.id) != old


def test_a_crash_of_postgresql_has_to_settle_first(
    empty_stage: Stage,
    lost: LostNotices,
    link: ReconnectingConnection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lost_notices, "SETTLING_S", 1e6)
    rows.a_job(empty_stage, queued_at="now() - interval '1 min'")

    look(lost, link)

    assert empty_stage.rung() == {}


def test_a_few_that_a_killed_consumer_took_along_cost_no_walk_through_the_queue(
    empty_stage: Stage, client: redis.Redis, lost: LostNotices, link: ReconnectingConnection
) -> None:
    fill(empty_stage, 1000)
    client.zpopmin(empty_stage.key(), 16)

    lost.look(link, [])
    lost.look(link, [])

    assert client.zcard(empty_stage.key()) == 1000
    assert lost._wanted == set()


def test_a_look_reads_as_little_of_a_long_queue_as_of_a_short_one(
    empty_stage: Stage, lost: LostNotices, link: ReconnectingConnection
) -> None:
    """Counted in pages of PostgreSQL, so that the machine's load does not matter."""

    def pages_read() -> int:
        def read(cursor: database.Cursor) -> int:
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {notices.PROBES}", values)
            plan = cursor.fetchone()[0][0]["Plan"]
            return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])

        values = {
            "grace_s": 5,
            "settling_s": 0,
            "head": notices.HEAD,
            "some": notices.some_of(notices.HEAD),
        }
        return database.repeatable(read)

    fill(empty_stage, 500)
    empty_stage.ask("VACUUM ANALYZE job")
    short = pages_read()
    empty_stage.ask(FILL, 0, 20_000)
    empty_stage.ask("VACUUM ANALYZE job")

    assert pages_read() < 2 * short + 50


def test_one_consumer_rings_while_the_others_wait(
    empty_stage: Stage, client: redis.Redis, lost: LostNotices, link: ReconnectingConnection
) -> None:
    fill(empty_stage, 3000)
    client.delete(empty_stage.key())
    client.set(f"{empty_stage.prefix}:ringing", "another", px=60_000)

    look(lost, link)
    assert client.zcard(empty_stage.key()) <= notices.HEAD + 2 * notices.some_of(notices.HEAD)

    client.delete(f"{empty_stage.prefix}:ringing")
    client.delete(empty_stage.key())
    look(lost, link)
    assert client.zcard(empty_stage.key()) == 3000


def test_the_mark_is_set_when_all_is_rung_and_not_before(
    empty_stage: Stage,
    client: redis.Redis,
    lost: LostNotices,
    link: ReconnectingConnection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lost_notices, "STEP_S", 0.0)
    fill(empty_stage, 3 * lost_notices.PAGE)
    client.delete(f"{empty_stage.prefix}:memory", empty_stage.key())

    lost.look(link, [])
    lost.step(link)
    assert 0 < client.zcard(empty_stage.key()) < 3 * lost_notices.PAGE
    assert not client.exists(f"{empty_stage.prefix}:memory")
    look(lost, link, times=0)

    assert client.zcard(empty_stage.key()) == 3 * lost_notices.PAGE
    assert client.exists(f"{empty_stage.prefix}:memory")


def test_a_second_loss_while_the_first_is_mended_leaves_no_mark(
    empty_stage: Stage,
    client: redis.Redis,
    lost: LostNotices,
    link: ReconnectingConnection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lost_notices, "STEP_S", 0.0)
    fill(empty_stage, 3 * lost_notices.PAGE)
    client.delete(f"{empty_stage.prefix}:memory", empty_stage.key())
    lost.look(link, [])
    lost.step(link)

    client.delete(f"{empty_stage.prefix}:ringing", empty_stage.key())
    look(lost, link, times=0)

    assert not client.exists(f"{empty_stage.prefix}:memory")
    look(lost, link, times=1)
    assert client.zcard(empty_stage.key()) == 3 * lost_notices.PAGE
    assert client.exists(f"{empty_stage.prefix}:memory")


def test_scores_of_an_earlier_release_find_their_places(
    empty_stage: Stage, client: redis.Redis, lost: LostNotices, link: ReconnectingConnection
) -> None:
    """Also beside clients of that release, whose notices still come."""
    for priority in (5, 0, -3):
        fill(empty_stage, 20, priority=priority)
    before = empty_stage.rung()
    junk = {"junk": 3, rows.a_job(empty_stage, "completed"): 0}
    client.zadd(
        empty_stage.key(), {id_: -p for id_, p in empty_stage.rung_priorities().items()} | junk
    )
    assert empty_stage.rung() != before

    lost.look(link, ["default", "emails"])

    assert empty_stage.rung() == before
    assert [found.faults for found in reconciliation.whole(by="ann") if found.faults] == []


# With consumers.


def test_a_ringer_that_is_killed_is_replaced(empty_stage: Stage, client: redis.Redis) -> None:
    """Of two consumers the one that rings after a flush is killed in the middle."""
    stage = empty_stage
    stage.ask("UPDATE queue SET paused_at = now() WHERE name = 'default'")
    try:
        with stage.consumer() as one, stage.consumer() as two:
            for consumer in (one, two):
                consumer.wait_ready()
            wait_until(lambda: client.exists(f"{stage.prefix}:memory"))
            stage.ask(FILL, 0, 30_000)
            client.delete(stage.key(), f"{stage.prefix}:memory")
            wait_until(lambda: client.zcard(stage.key()) > 0, every_s=0.001)
            ringer = client.get(f"{stage.prefix}:ringing")
            os.kill(int(ringer.split(b"-")[0]), signal.SIGKILL)

            assert client.zcard(stage.key()) < 30_000
            assert not client.exists(f"{stage.prefix}:memory")
            wait_until(lambda: client.zcard(stage.key()) == 30_000, timeout_s=60)
            wait_until(lambda: client.exists(f"{stage.prefix}:memory"), timeout_s=60)
    finally:
        stage.ask("UPDATE queue SET paused_at = NULL")


def test_many_lost_bells_are_rung_in_no_more_than_a_few_times_what_ringing_takes(
    empty_stage: Stage, client: redis.Redis
) -> None:
    stage = empty_stage
    stage.ask("UPDATE queue SET paused_at = now() WHERE name = 'default'")
    began_at = time.monotonic()
    fill(stage, 20_000)
    ringing_s = time.monotonic() - began_at
    try:
        with stage.consumer(ring_grace_s=GRACE_S) as consumer:
            consumer.wait_ready()
            wait_until(lambda: client.exists(f"{stage.prefix}:memory"))
            client.zremrangebyrank(stage.key(), 0, 9_999)
            client.zremrangebyrank(stage.key(), -4_000, -1)
            wait_until(lambda: client.zcard(stage.key()) == 20_000, timeout_s=20 + 20 * ringing_s)
            said = "Redis had lost its memory; all queued jobs were rung again."
            wait_until(lambda: said in consumer.log, timeout_s=60)
            assert consumer.stop() == 0
    finally:
        stage.ask("UPDATE queue SET paused_at = NULL")


def test_jobs_of_a_transaction_that_nobody_could_see_are_rung_without_reaching_the_head(
    empty_stage: Stage, client: redis.Redis, lost: LostNotices, link: ReconnectingConnection
) -> None:
    fill(empty_stage, 1000)
    with psycopg2.connect(empty_stage.database_url) as own:
        made = [str(enqueue_in_transaction(own, jobs.nothing).id) for _ in range(3)]
    own.close()
    empty_stage.ask(
        "UPDATE job SET queued_at = queued_at - interval '1 s' WHERE id = ANY(%s::uuid[])", made
    )

    look(lost, link)

    assert list(empty_stage.rung())[-3:] == made


def test_a_look_at_hundreds_of_queues_asks_for_fewer_jobs_of_each_and_finds_what_is_lost(
    empty_stage: Stage, client: redis.Redis, lost: LostNotices, link: ReconnectingConnection
) -> None:
    empty_stage.ask("INSERT INTO queue (name) SELECT 'many' || n FROM generate_series(1, 300) AS n")
    try:
        empty_stage.ask(
            "INSERT INTO job (id, task, queue, state, queued_at) SELECT gen_random_uuid(), 't',"
            " 'many' || (n % 300 + 1), 'queued', now() - interval '1 h' FROM generate_series(1, 9000) AS n"
        )
        look(lost, link, times=2)
        look(lost, link, times=2)
        assert lost._filled == 300
        assert sum(client.zcard(empty_stage.key(f"many{n}")) for n in range(1, 301)) == 9000

        client.delete(empty_stage.key("many7"))
        look(lost, link)

        assert client.zcard(empty_stage.key("many7")) == 30
    finally:
        empty_stage.ask("DELETE FROM queue WHERE name LIKE 'many%%'")
