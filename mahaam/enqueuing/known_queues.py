"""The queues that may be named: those of the table, and those that a task declares."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from functools import partial

from mahaam.config import get_settings
from mahaam.core.errors import UnknownQueue
from mahaam.jobs import task_registry
from mahaam.postgres import database
from mahaam.queries import queue_configs as queries
from mahaam.store import queue_configs

log = logging.getLogger("mahaam.queue")

FRESH_FOR_S = 30.0


class _KnownQueues:
    """The table's queue names as this process last read them."""

    names: frozenset[str] = frozenset()
    until = 0.0

    def has(self, name: str) -> bool:
        return name in self.names and time.monotonic() < self.until

    def read(self) -> None:
        self.names = frozenset(line.name for line in database.repeatable(queries.lines))
        self.until = time.monotonic() + FRESH_FOR_S


_known = _KnownQueues()


def check(name: str) -> None:
    """Raise UnknownQueue for a queue that is neither in the table nor declared by a task."""
    if _known.has(name):
        return
    _known.read()
    if name not in _known.names and task_registry.names_queue(name):
        declare([name])
    elif name not in _known.names:
        raise UnknownQueue(
            f"There is no queue {name!r}. Queues: {', '.join(sorted(_known.names))}. "
            "Name it in a task's @task(queue=…) or add it to the queue table."
        )


def declare(names: Iterable[str]) -> None:
    """Add the queues that tasks name and the table does not have yet, and log them with their rank."""
    wanted, rank = sorted(set(names)), get_settings().new_queue_rank
    made = database.repeatable(partial(queue_configs.declare, names=wanted, rank=rank))
    for name in made:
        log.info(
            "Queue made. It is served after queues of lower rank and by turns with those of its own; "
            "flask queue rank changes that. queue=%s rank=%s",
            name,
            rank,
        )
    _known.read()
