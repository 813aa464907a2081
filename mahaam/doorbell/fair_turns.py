"""The order in which one consumer serves queues of one rank: in turns."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from mahaam.queries.queue_configs import QueueConfig


@dataclass(frozen=True, slots=True)
class RankGroup:
    """Queues of one rank, consecutive in a list of queue configs; `first` is the index of the first."""

    rank: int
    first: int
    names: tuple[str, ...]


class FairTurns:
    """The next queue of each rank; a random one at first, so that consumers begin differently."""

    def __init__(self) -> None:
        self._next: dict[int, str] = {}

    def starts(self, equals: Sequence[RankGroup]) -> list[int]:
        """Return for each group the index, within the group, of the queue to begin with."""
        return [self._start(group) for group in equals]

    def begin_next_at(self, group: RankGroup, place: int) -> None:
        """Begin next with the queue at index `place` of the list that contains the group."""
        self._next[group.rank] = group.names[(place - group.first) % len(group.names)]

    def ordered(self, lines: Sequence[QueueConfig]) -> list[QueueConfig]:
        """Return `lines`, with the next queue first within each group."""
        ordered = list(lines)
        for group in equals_in(lines):
            start, end = self._start(group), group.first + len(group.names)
            own = lines[group.first : end]
            ordered[group.first : end] = [*own[start:], *own[:start]]
        return ordered

    def was_served(self, lines: Sequence[QueueConfig], name: str) -> None:
        """Begin next with the queue behind `name`, if its rank has more than one queue."""
        for group in equals_in(lines):
            if name in group.names:
                self.begin_next_at(group, group.first + group.names.index(name) + 1)

    def _start(self, group: RankGroup) -> int:
        name = self._next.get(group.rank)
        if name not in group.names:
            name = self._next[group.rank] = random.choice(group.names)
        return group.names.index(name)


def equals_in(lines: Sequence[QueueConfig]) -> list[RankGroup]:
    """Return the groups of two and more queues of one rank."""
    groups, first = [], 0
    for rank, members in groupby(lines, key=lambda line: line.rank):
        names = tuple(line.name for line in members)
        if len(names) > 1:
            groups.append(RankGroup(rank, first, names))
        first += len(names)
    return groups
