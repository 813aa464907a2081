"""Popping the next ids from Redis: by rank, in turns within a rank, within rate limits."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import redis

from mahaam.doorbell.fair_turns import FairTurns, RankGroup, equals_in
from mahaam.queries.queue_configs import QueueConfig

COMMANDS_KEPT = 500

ID = re.compile(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

# KEYS: the queues, in the order of service. ARGV: for each queue its rate limit (0: none), the period
# in ms, and how many queues from this one on share in turns (1: this one alone); then the number of
# wanted ids; then for each group of sharing queues the index of the queue to begin with. Returns the
# ids in one text, which is read faster than a list, then for each group that was served the position of
# the queue behind which the group begins the next time.
#
# A rate-limited queue keeps the times of its last starts, by Redis's clock, so that all consumers
# together stay within the limit. A popped id counts as a start from the pop until its real start is
# recorded (STAMP), for half a minute at most.
POP = """
local ids, marks, argument = {}, {}, 3 * #KEYS + 2
local wanted = tonumber(ARGV[3 * #KEYS + 1])

local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function allowed(place)
  local limit = tonumber(ARGV[3 * place - 2])
  if limit == 0 then return wanted end
  local starts = KEYS[place] .. ':starts'
  redis.call('ZREMRANGEBYSCORE', starts, '-inf', now() - tonumber(ARGV[3 * place - 1]))
  return math.min(wanted, limit - redis.call('ZCARD', starts))
end

local function take(place, count)
  if count <= 0 then return end
  local popped = redis.call('ZPOPMIN', KEYS[place], count)
  for i = 1, #popped, 2 do
    ids[#ids + 1] = popped[i]
    wanted = wanted - 1
    if ARGV[3 * place - 2] ~= '0' then
      local starts = KEYS[place] .. ':starts'
      redis.call('ZADD', starts, now() + 30000, popped[i])
      redis.call('PEXPIRE', starts, tonumber(ARGV[3 * place - 1]) + 30000)
    end
  end
end

-- The queues of a group that hold ids give equal numbers, beginning with the one that is next; what one
-- cannot give, the others do. The queue that gave one more than others comes last the next time.
local function share(first, size, start)
  local waiting = {}
  for step = 0, size - 1 do
    local place = first + (start + step) % size
    if #waiting < wanted and redis.call('ZCARD', KEYS[place]) > 0 and allowed(place) > 0 then
      waiting[#waiting + 1] = place
    end
  end
  if #waiting == 0 then return end
  local over = wanted % #waiting
  marks[#marks + 1] = waiting[over == 0 and #waiting or over]
  for i, place in ipairs(waiting) do
    take(place, math.min(allowed(place), math.ceil(wanted / (#waiting - i + 1))))
  end
  for _, place in ipairs(waiting) do
    take(place, allowed(place))
  end
end

local place = 1
while place <= #KEYS and wanted > 0 do
  local size = tonumber(ARGV[3 * place])
  if size == 1 then
    take(place, allowed(place))
  else
    share(place, size, tonumber(ARGV[argument]))
    argument = argument + 1
  end
  place = place + size
end
return {table.concat(ids, ' '), unpack(marks)}
"""


class Command(NamedTuple):
    """The constant part of a pop for the same queues, packed, and the rank groups among them."""

    packed: bytes
    equals: list[RankGroup]


class Pop:
    """The pops of one consumer. For one greenlet only: they have a connection of their own.

    Pops are made for every job: the few different commands are kept packed.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._script = client.register_script(POP)
        self._commands: dict[tuple[bool, tuple[QueueConfig, ...]], Command] = {}
        self._connection: Any = None  # redis-py's connections have no types
        self.turns = FairTurns()

    def __call__(
        self, wanted: int, lines: tuple[QueueConfig, ...], keys: Iterable[str], *, by_turns: bool
    ) -> list[str]:
        """Pop up to `wanted` ids of the queues `lines`, whose keys are `keys`. Return without waiting."""
        command = self._commands.get((by_turns, lines))
        if command is None:
            command = self._kept(lines, list(keys), by_turns=by_turns)
        starts = self.turns.starts(command.equals)
        try:
            connection = self._connection = self._connection or self._connected()
            connection.send_packed_command([command.packed + bulk(wanted, *starts)])
            answer: list[Any] = connection.read_response()
        except redis.exceptions.NoScriptError:
            self._client.script_load(POP)
            return self(wanted, lines, keys, by_turns=by_turns)
        except BaseException:
            self.close()
            raise
        if command.equals:
            self._mark(command.equals, answer)
        return [id_.decode() for id_ in answer[0].split() if ID.fullmatch(id_)]

    def close(self) -> None:
        """Close the connection; the next pop opens another."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.disconnect()
            self._client.connection_pool.release(connection)

    def _mark(self, equals: list[RankGroup], answer: list[Any]) -> None:
        for place in answer[1:]:  # counted from 1: so it is the next queue, counted from 0
            group = next(g for g in reversed(equals) if g.first < place)
            self.turns.begin_next_at(group, place)

    def _kept(self, lines: tuple[QueueConfig, ...], keys: list[str], *, by_turns: bool) -> Command:
        equals = equals_in(lines) if by_turns else []
        sizes = dict.fromkeys(range(len(lines)), 1) | {g.first: len(g.names) for g in equals}
        arguments: list[str | int] = []
        for place, line in enumerate(lines):
            period_ms = int((line.rate_period_s or 0) * 1000)
            arguments += [line.rate_limit or 0, period_ms, sizes[place]]
        fixed = ("EVALSHA", self._script.sha, len(keys), *keys, *arguments)
        packed = b"*%d\r\n" % (len(fixed) + 1 + len(equals)) + bulk(*fixed)
        if len(self._commands) > COMMANDS_KEPT:
            self._commands.clear()
        command = self._commands[by_turns, lines] = Command(packed, equals)
        return command

    def _connected(self) -> Any:
        connection: Any = self._client.connection_pool.get_connection()
        connection.connect()
        return connection


def bulk(*words: str | int) -> bytes:
    """Return words as bulk strings of Redis's protocol."""
    return b"".join(
        [b"$%d\r\n%b\r\n" % (len(word), word) for word in (str(w).encode() for w in words)]
    )
