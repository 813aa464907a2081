"""How soon bells that Redis has lost are there again, and what it costs to look for them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial

import redis

from bench.figure import Figure, at_most, percentile, spread
from bench.servers import BenchServers

LOST, WAITING = 100_000, 1_000_000
LIMIT_S = 60.0
FILL = """
INSERT INTO job (id, task, queue, priority, state, args, queued_at)
SELECT uuidv7(), 'bench.noop.noop', 'default', 0, 'queued', '[null]',
       now() - interval '1 day' + number * interval '1 millisecond'
FROM generate_series(1, %s) AS number
"""
RING = """
from mahaam.queues import reconcile
reconcile.whole(repair=True, by="bench")
"""
LOOKS = """
import json, time
from mahaam.postgres import database
from mahaam.queries import notices as bells
values = {"grace_s": 5, "settling_s": 0, "head": bells.HEAD, "some": bells.some_of(bells.HEAD)}
def look(cursor):
    begun = time.perf_counter()
    cursor.execute(bells.PROBES, values)
    cursor.fetchall()
    return (time.perf_counter() - begun) * 1e3
for _ in range(50):
    print(database.repeatable(look))
"""


def figures(servers: BenchServers, rounds: int) -> Iterator[Figure]:
    """The looks at a short and a long queue; then losses of several kinds, with one consumer."""
    servers.use("mahaam")
    yield _cost_of_a_look(servers)
    servers.clear()
    servers.run(FILL, 2 * LOST)
    servers.output("-c", RING)
    servers.run("UPDATE queue SET paused_at = now()")  # nothing is popped meanwhile
    for name, lose in LOSSES.items():
        times_s = [_until_rung(servers, lose) for _ in range(rounds)]
        yield at_most(
            f"{LOST:,} lost bells rung again: {name}",
            statistics.median(times_s),
            10,
            unit="s",
            detail=f"{spread(times_s, digits=1)}, from the loss, two looks included",
        )
    servers.run("UPDATE queue SET paused_at = NULL")


def _cost_of_a_look(servers: BenchServers) -> Figure:
    medians_ms = []
    for count in (1000, WAITING):
        servers.clear()
        servers.run(FILL, count)
        servers.run("VACUUM ANALYZE job")
        looks_ms = [float(line) for line in servers.output("-c", LOOKS).splitlines()]
        medians_ms.append(percentile(looks_ms, 0.5))
    few_ms, many_ms = medians_ms
    return at_most(
        f"a look at {WAITING:,} waiting jobs, against one at 1,000",
        many_ms / few_ms,
        1.5,
        unit="ratio",
        detail=f"{many_ms:.1f} ms against {few_ms:.1f} ms, once a second",
    )


def _the_first(client: redis.Redis, key: str) -> None:
    client.zremrangebyrank(key, 0, LOST - 1)


def _the_last(client: redis.Redis, key: str) -> None:
    client.zremrangebyrank(key, -LOST, -1)


def _every_second(client: redis.Redis, key: str) -> None:
    members = client.zrange(key, 0, -1)[::2]
    for first in range(0, len(members), 1000):
        client.zrem(key, *members[first : first + 1000])


def _the_memory(client: redis.Redis, _key: str) -> None:
    client.flushall()


LOSSES: dict[str, Callable[[redis.Redis, str], None]] = {
    "the next ones": _the_first,
    "the last ones": _the_last,
    "every second one": _every_second,
    "all, with Redis's memory": _the_memory,
}


def _until_rung(servers: BenchServers, lose: Callable[[redis.Redis, str], None]) -> float:
    # What it says of the loss is provoked.
    consumer = servers.python("huey_consumer.py", LOG_LEVEL="ERROR")
    try:
        with redis.Redis.from_url(servers.redis.url) as client:
            time.sleep(3)  # it is at work
            key = "mahaam:queue:default"
            began_at = time.monotonic()
            lose(client, key)
            _wait(partial(client.zcard, key), 2 * LOST)
            return time.monotonic() - began_at
    finally:
        consumer.terminate()
        consumer.communicate()


def _wait(count: Callable[[], int], wanted: int) -> None:
    end = time.monotonic() + LIMIT_S
    while count() < wanted and time.monotonic() < end:
        time.sleep(0.01)
