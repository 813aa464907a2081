"""Redis as a doorbell: one sorted set of job ids per queue, in the order of score.py.

Nothing here is a record. What gets lost is rung again from the rows, what does not belong here
claims nothing.
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

PRIVATE_S = 600  # how long what was passed on to a worker is kept, which may have ended
ANSWER_S = 5.0  # how long an answer of Redis is waited for
CONNECT_S = 3.0
FEW = 20

# Adds ids of 36 characters each, given in one string, and of one score, or each before its score of
# SCORE_WIDTH characters: packing thousands of arguments one by one takes longer than adding them. Returns how
# many were not there.
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

# KEYS: the start times of a limited queue. ARGV: the ids that were started just now.
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
    """The line of a worker alone. No queue has a name like it."""
    return f"@{worker_id}"


class Doorbell:
    """Rings for jobs and hears who is next. Every method raises redis.RedisError when Redis is away."""

    def __init__(self, client: redis.Redis, prefix: str) -> None:
        self._client = client
        self._prefix = prefix
        self._pop = Pop(client)
        self._notices: list[PipelinedNotices] = []  # free ones, the last used first
        os.register_at_fork(after_in_child=self._notices.clear)

    def ring(self, notices: Iterable[Notice]) -> None:
        """Add jobs to their queues; one that is there goes no further forward."""
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
            # At one instant: a consumer must not hear the lower rank before the higher one.
            with self._client.pipeline(transaction=True) as pipeline:
                for queue, slots in queues.items():
                    self._add(pipeline, queue, slots)
                pipeline.execute()

    def ring_together(self, queue: str, priority: int, queued_at: datetime, ids: str) -> None:
        """Add jobs that were queued at the same instant; `ids` stand one behind the other."""
        self._client.eval(ADD, 1, self.key(queue), score(priority, queued_at), ids)

    def pass_on(self, worker_id: str, notices: Sequence[Notice]) -> None:
        """Let one worker alone hear of jobs; what it does not take in time is rung for all again."""
        line = private_line(worker_id)
        self.ring([ring._replace(queue=line) for ring in notices])
        self._client.expire(self.key(line), PRIVATE_S)

    def ring_lost(self, queue: str, notices: Iterable[Notice]) -> int:
        """Add jobs to a queue. Return how many were not there."""
        slots = {ring.id: score(ring.priority, ring.queued_at) for ring in notices}
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
        """Up to `wanted` ids, the first line's first, within the rate limits; returns at once.

        With `by_turns`, lines of the same rank share. For one greenlet only.
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
        """The next notice as soon as one is rung in a line without rate limit; None after `timeout_s`."""
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
        """Delete what somebody else has written where a queue is: it would stop all others, too.

        The rows ring again for what was there. Raises `fault` when it is about something else.
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
        """Give a notice back to its place, for another consumer or for later."""
        self._client.zadd(self.key(heard.queue), {heard.id: heard.place}, nx=True)

    def stamp(self, queue: str, ids: Sequence[str]) -> None:
        """Tell when jobs of a limited queue were really started: now."""
        self._client.eval(STAMP, 1, f"{self.key(queue)}:starts", *ids)

    def forget(self, jobs: Iterable[QueueMember]) -> None:
        """Take jobs out of their queues, for ones that are not to start; they count for no limit."""
        lines: dict[str, list[str]] = defaultdict(list)
        for job in jobs:
            lines[self.key(job.queue)].append(job.id)
        with self._client.pipeline(transaction=False) as pipeline:
            for key, ids in lines.items():
                pipeline.zrem(key, *ids)
                pipeline.zrem(f"{key}:starts", *ids)
            pipeline.execute()

    def missing(self, notices: Sequence[Notice]) -> list[Notice]:
        """Those that do not stand in their queues."""
        queues: dict[str, list[Notice]] = defaultdict(list)
        for ring in notices:
            queues[ring.queue].append(ring)
        with self._client.pipeline(transaction=False) as pipeline:
            for queue, some in queues.items():
                pipeline.zmscore(self.key(queue), [ring.id for ring in some])
            found: Any = pipeline.execute()
        return [
            ring
            for some, slots in zip(queues.values(), found, strict=True)
            for ring, place in zip(some, slots, strict=True)
            if place is None
        ]

    def of_old_release(self, queues: Iterable[str], *, limit: int) -> dict[str, list[bytes]]:
        """Members whose scores a release before the order by time has given, by their queues."""
        names = list(queues)
        with self._client.pipeline(transaction=False) as pipeline:
            for queue in names:
                pipeline.zrangebyscore(self.key(queue), -OLD + 1, OLD - 1, start=0, num=limit)
            found: Any = pipeline.execute()
        return {queue: some for queue, some in zip(names, found, strict=True) if some}

    def waiting(self, queue: str) -> int:
        """How many ids stand in a queue."""
        return int(self._client.zcard(self.key(queue)))

    def queues(self) -> list[str]:
        """The names of all queues in which ids stand."""
        first, last = self.key(""), ":starts"
        keys = (key.decode() for key in self._client.scan_iter(f"{_literal(first)}*", count=1000))
        return sorted(key.removeprefix(first) for key in keys if not key.endswith(last))

    def some(self, queue: str, *, size: int) -> dict[bytes, float]:
        """The members next in line and as many at random, with their scores."""
        key = self.key(queue)
        head: Any = self._client.zrange(key, 0, size - 1, withscores=True)
        # Flat, and with the scores as they came.
        random: Any = self._client.zrandmember(key, size, withscores=True)
        found: dict[bytes, float] = dict(head)
        return found | dict(zip(random[::2], map(float, random[1::2]), strict=True))

    def steps(self, queue: str, *, size: int) -> Iterator[dict[bytes, float]]:
        """All members with their scores, about `size` at a time; one may come twice."""
        cursor = 0
        while True:
            answer: Any = self._client.zscan(self.key(queue), cursor, count=size)
            cursor, pairs = answer
            yield dict(pairs)
            if cursor == 0:
                return

    def scores(self, queue: str, ids: Sequence[str]) -> dict[str, float | None]:
        """Where these ids stand in a queue; None: they do not."""
        if not ids:
            return {}
        found = self._client.zmscore(self.key(queue), list(ids))
        return dict(zip(ids, found, strict=True))

    def drop(self, queue: str, members: Sequence[bytes]) -> None:
        """Take members out of a queue, whatever they are."""
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
        """The name of a queue's sorted set."""
        return f"{self._prefix}:queue:{queue}"


def packed(slots: dict[str, int]) -> str:
    """Ids, each before its score, as ADD_EACH reads them."""
    return "".join([f"{id_}{place:+0{SCORE_WIDTH}d}" for id_, place in slots.items()])


def _literal(text: str) -> str:
    """`text` as a pattern of Redis that means just itself."""
    return re.sub(r"([*?\[\]\\^])", r"\\\1", text)


def connect(url: str, *, timeout_s: float = ANSWER_S) -> redis.Redis:
    """A client that waits for one answer no longer than `timeout_s`, and asks only once."""
    client = open_redis(
        url,
        timeout_s=timeout_s,
        connect_timeout_s=min(timeout_s, CONNECT_S),
        retry=Retry(NoBackoff(), 0),  # whoever calls says what comes next
    )
    inherited_connections.clients.add(client)
    return client


def check_server(settings: Settings) -> None:
    """Raise ConfigurationFault when REDIS_URL leads to a server that cannot be a doorbell.

    One that does not answer is waited for, as at any other time.
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
