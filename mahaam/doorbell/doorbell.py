"""Redis as a doorbell: one sorted set of job ids per queue, in the order of score.py.

Redis holds no records. Lost notices are rung again from the rows; the id of a job that is not to
start claims nothing.
"""

from __future__ import annotations

import logging
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from mahaam.addresses.redis import open_redis, unfit, without_secrets
from mahaam.config import ConfigurationFault, Settings
from mahaam.core import inherited_connections
from mahaam.core.log_throttle import cause
from mahaam.doorbell.pipelined_ring import PipelinedNotices, packed_many
from mahaam.doorbell.pop import ID, Pop
from mahaam.doorbell.score import OLD, score
from mahaam.jobs.notice import Notice, QueueMember
from mahaam.queries.queue_configs import QueueConfig

log = logging.getLogger("mahaam.doorbell")

PRIVATE_S = 600  # how long notices passed on to one worker are kept; the worker may have ended
ANSWER_S = 5.0  # time limit of an answer of Redis
CONNECT_S = 3.0
FEW = 20

# Adds ids of 36 characters each, given in one string: all with one score (ADD), or each before its own
# score of SCORE_WIDTH characters (ADD_EACH). Packing thousands of arguments one by one takes longer than
# adding them. Returns how many ids were not there.
ADD = """
local added = 0
for first = 1, #ARGV[2], 36 do
  added = added + redis.call('ZADD', KEYS[1], 'GT', ARGV[1], string.sub(ARGV[2], first, first + 35))
end
return added
"""
SCORE_WIDTH = 27
ADD_EACH = f"""
local added = 0
for first = 1, #ARGV[1], {36 + SCORE_WIDTH} do
  added = added + redis.call('ZADD', KEYS[1], 'GT',
                             string.sub(ARGV[1], first + 36, first + {35 + SCORE_WIDTH}),
                             string.sub(ARGV[1], first, first + 35))
end
return added
"""

# KEYS: the start times of a rate-limited queue. ARGV: the ids that were started just now.
STAMP = """
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
for _, id in ipairs(ARGV) do
  redis.call('ZREM', KEYS[1], id)
  redis.call('ZADD', KEYS[1], now_ms, id .. ':' .. now_ms)
end
"""


class PoppedNotice(NamedTuple):
    """A notice that was taken out of its queue, and its score there."""

    queue: str
    id: str
    place: float


def private_line(worker_id: str) -> str:
    """Return the name of a worker's private queue. No real queue has such a name."""
    return f"@{worker_id}"


class Doorbell:
    """The notices in Redis. Every method raises redis.RedisError when Redis is away."""

    def __init__(self, client: redis.Redis, prefix: str) -> None:
        self._client = client
        self._prefix = prefix
        self._pop = Pop(client)
        self._notices: list[PipelinedNotices] = []  # free ones, the last used first
        os.register_at_fork(after_in_child=self._notices.clear)

    def ring(self, notices: Iterable[Notice]) -> None:
        """Add jobs to their queues. A job that is there already does not move forward."""
        queues: dict[str, dict[str, int]] = defaultdict(dict)
        for queue, priority, id_, queued_at in notices:
            queues[queue][id_] = score(priority, queued_at)
        if len(queues) == 1:
            ((queue, slots),) = queues.items()
            if len(slots) == 1:
                ((id_, place),) = slots.items()
                self._ring_one(self.key(queue), place, id_)
            else:
                self._add(self._client, queue, slots)
        elif queues:
            # At one instant: a consumer must not pop from the lower rank before the higher one.
            with self._client.pipeline(transaction=True) as pipeline:
                for queue, slots in queues.items():
                    self._add(pipeline, queue, slots)
                pipeline.execute()

    def ring_together(self, queue: str, priority: int, queued_at: datetime, ids: str) -> None:
        """Add jobs that were queued at the same instant; `ids` is their ids, concatenated."""
        self._client.eval(ADD, 1, self.key(queue), score(priority, queued_at), ids)

    def pass_on(self, worker_id: str, notices: Sequence[Notice]) -> None:
        """Ring for jobs at one worker only. Jobs that it does not pop in time are rung for all again."""
        line = private_line(worker_id)
        self.ring([notice._replace(queue=line) for notice in notices])
        self._client.expire(self.key(line), PRIVATE_S)

    def ring_lost(self, queue: str, notices: Iterable[Notice]) -> int:
        """Add jobs to a queue. Return how many were not there."""
        slots = {notice.id: score(notice.priority, notice.queued_at) for notice in notices}
        connection: Any = self._client.connection_pool.get_connection()
        try:
            connection.send_packed_command([packed_many(self.key(queue), slots)])
            return int(connection.read_response())
        except BaseException:
            connection.disconnect()
            raise
        finally:
            self._client.connection_pool.release(connection)

    def _ring_one(self, key: str, place: int, id_: str) -> None:
        notice = self._notices.pop() if self._notices else PipelinedNotices(self._client)
        try:
            notice.ring(key, place, id_)
        except BaseException:
            notice.close()
            raise
        self._notices.append(notice)

    def _add(self, client: redis.Redis, queue: str, slots: dict[str, int]) -> None:
        if len(slots) <= FEW:
            client.zadd(self.key(queue), slots, gt=True)
        else:
            client.eval(ADD_EACH, 1, self.key(queue), packed(slots))

    def pop(self, wanted: int, lines: Sequence[QueueConfig], *, by_turns: bool = True) -> list[str]:
        """Pop up to `wanted` ids, those of the first queue first, within the rate limits.

        With `by_turns`, queues of the same rank share. For one greenlet only. Return the ids without
        waiting.
        """
        if not lines:
            return []
        keys = map(self.key, (line.name for line in lines))
        try:
            return self._pop(wanted, tuple(lines), keys, by_turns=by_turns)
        except redis.ResponseError as fault:
            self._take_away_strange_keys(lines, fault)
            return []

    def wait(self, lines: Sequence[QueueConfig], *, timeout_s: float) -> PoppedNotice | None:
        """Wait for a notice in queues without rate limit. Return it; None after `timeout_s`."""
        names = {self.key(line.name): line.name for line in self._pop.turns.ordered(lines)}
        try:
            heard: Any = self._client.bzpopmin(list(names), timeout=timeout_s)
        except redis.ResponseError as fault:
            self._take_away_strange_keys(lines, fault)
            return None
        if heard is None or not ID.fullmatch(heard[1]):
            return None
        key, id_, place = heard
        name = names[key.decode()]
        self._pop.turns.was_served(lines, name)
        return PoppedNotice(name, id_.decode(), place)

    def _take_away_strange_keys(
        self, lines: Sequence[QueueConfig], fault: redis.ResponseError
    ) -> None:
        """Delete keys of queues that are no sorted sets: one would block the pops of all queues.

        Lost notices are rung again from the rows. Raises `fault` if it has another cause.
        """
        if "WRONGTYPE" not in str(fault):
            raise fault
        for key in (self.key(line.name) for line in lines):
            for name in (key, f"{key}:starts"):
                if self._client.type(name) not in (b"zset", b"none"):
                    self._client.delete(name)
                    log.error(
                        "A key of ours in Redis was no sorted set; it is deleted. key=%s", name,
                        extra=cause(name),
                    )  # fmt: skip

    def put_back(self, heard: PoppedNotice) -> None:
        """Put a popped notice back with its score, for another consumer or for later."""
        self._client.zadd(self.key(heard.queue), {heard.id: heard.place}, nx=True)

    def stamp(self, queue: str, ids: Sequence[str]) -> None:
        """Record that jobs of a rate-limited queue were started now."""
        self._client.eval(STAMP, 1, f"{self.key(queue)}:starts", *ids)

    def forget(self, jobs: Iterable[QueueMember]) -> None:
        """Remove jobs that are not to start from their queues and from the counts of rate limits."""
        lines: dict[str, list[str]] = defaultdict(list)
        for job in jobs:
            lines[self.key(job.queue)].append(job.id)
        with self._client.pipeline(transaction=False) as pipeline:
            for key, ids in lines.items():
                pipeline.zrem(key, *ids)
                pipeline.zrem(f"{key}:starts", *ids)
            pipeline.execute()

    def missing(self, notices: Sequence[Notice]) -> list[Notice]:
        """Return the notices that are not in their queues."""
        queues: dict[str, list[Notice]] = defaultdict(list)
        for notice in notices:
            queues[notice.queue].append(notice)
        with self._client.pipeline(transaction=False) as pipeline:
            for queue, some in queues.items():
                pipeline.zmscore(self.key(queue), [notice.id for notice in some])
            found: Any = pipeline.execute()
        return [
            notice
            for some, slots in zip(queues.values(), found, strict=True)
            for notice, place in zip(some, slots, strict=True)
            if place is None
        ]

    def of_old_release(self, queues: Iterable[str], *, limit: int) -> dict[str, list[bytes]]:
        """Return members, by queue, whose scores are from a release before the order by time."""
        names = list(queues)
        with self._client.pipeline(transaction=False) as pipeline:
            for queue in names:
                pipeline.zrangebyscore(self.key(queue), -OLD + 1, OLD - 1, start=0, num=limit)
            found: Any = pipeline.execute()
        return {queue: some for queue, some in zip(names, found, strict=True) if some}

    def waiting(self, queue: str) -> int:
        """Return the number of ids in a queue."""
        return int(self._client.zcard(self.key(queue)))

    def queues(self) -> list[str]:
        """Return the names of all queues that hold ids."""
        first, last = self.key(""), ":starts"
        keys = (key.decode() for key in self._client.scan_iter(f"{_literal(first)}*", count=1000))
        return sorted(key.removeprefix(first) for key in keys if not key.endswith(last))

    def some(self, queue: str, *, size: int) -> dict[bytes, float]:
        """Return the first `size` members and as many at random, with their scores."""
        key = self.key(queue)
        head: Any = self._client.zrange(key, 0, size - 1, withscores=True)
        # Flat, and with the scores as they came.
        random: Any = self._client.zrandmember(key, size, withscores=True)
        found: dict[bytes, float] = dict(head)
        return found | dict(zip(random[::2], map(float, random[1::2]), strict=True))

    def steps(self, queue: str, *, size: int) -> Iterator[dict[bytes, float]]:
        """Yield all members with their scores, about `size` at a time; one may come twice."""
        cursor = 0
        while True:
            answer: Any = self._client.zscan(self.key(queue), cursor, count=size)
            cursor, pairs = answer
            yield dict(pairs)
            if cursor == 0:
                return

    def scores(self, queue: str, ids: Sequence[str]) -> dict[str, float | None]:
        """Return the scores of ids in a queue; None for an id that is not there."""
        if not ids:
            return {}
        found = self._client.zmscore(self.key(queue), list(ids))
        return dict(zip(ids, found, strict=True))

    def drop(self, queue: str, members: Sequence[bytes]) -> None:
        """Remove members from a queue, whatever they are."""
        if members:
            self._client.zrem(self.key(queue), *members)

    def clear(self, queue: str) -> None:
        """Empty a queue's sorted set; the rows stay as they are."""
        self._client.delete(self.key(queue))

    def close(self) -> None:
        """Close all connections; the next use opens others."""
        self._notices.clear()
        self._pop.close()
        self._client.connection_pool.disconnect()

    def key(self, queue: str) -> str:
        """Return the name of a queue's sorted set."""
        return f"{self._prefix}:queue:{queue}"


def packed(slots: dict[str, int]) -> str:
    """Return ids, each before its score, as ADD_EACH reads them."""
    return "".join([f"{id_}{place:+0{SCORE_WIDTH}d}" for id_, place in slots.items()])


def _literal(text: str) -> str:
    """Return `text` as a Redis pattern that matches only itself."""
    return re.sub(r"([*?\[\]\\^])", r"\\\1", text)


def connect(url: str, *, timeout_s: float = ANSWER_S) -> redis.Redis:
    """Return a client that waits for an answer at most `timeout_s` and does not retry."""
    client = open_redis(
        url,
        timeout_s=timeout_s,
        connect_timeout_s=min(timeout_s, CONNECT_S),
        retry=Retry(NoBackoff(), 0),  # the caller decides whether to retry
    )
    inherited_connections.clients.add(client)
    return client


def check_server(settings: Settings) -> None:
    """Raise ConfigurationFault if the server at REDIS_URL cannot be a doorbell.

    A server that does not answer is no fault: it is waited for later, as at any other time.
    """
    url = settings.given_redis_url
    if url is None:
        return
    try:
        with open_redis(url, timeout_s=1, connect_timeout_s=1) as client:
            reason = unfit(client)
    except (redis.RedisError, OSError):
        return
    if reason is not None:
        raise ConfigurationFault(f"REDIS_URL ({without_secrets(url)}) leads to {reason}.")
