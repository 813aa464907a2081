"""One cycle of a consumer: writes every outcome and claims every popped job together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from mahaam.jobs.claim import Claim
from mahaam.jobs.notice import Notice
from mahaam.jobs.outcome import Ended, Fence
from mahaam.jobs.states import State
from mahaam.postgres.database import Cursor
from mahaam.store import exchange, outcomes


@dataclass(slots=True)
class Cycle:
    """The outcomes and starts of one cycle; it can be sent repeatedly.

    `unsure` holds the ids in `starting` that an earlier attempt to send may have started. With
    `flushed` the cycle waits for the disk. Jobs of the tasks in `paused` are not started.
    """

    ended: list[Ended]
    starting: list[str]
    worker_id: str
    unsure: list[str]
    flushed: bool
    paused: tuple[str, ...] = ()
    is_plain: bool = field(init=False)  # whether the cycle is a single statement

    def __post_init__(self) -> None:
        self.is_plain = all(outcome.is_plain for _, outcome in self.ended)

    @property
    def is_durable(self) -> bool:
        """Return True if the cycle waits for the disk, as all but plain completions always do."""
        return self.flushed or not self.is_plain

    def __call__(self, cursor: Cursor) -> CycleResult:
        """Execute the cycle. One that is not plain has to run in a transaction."""
        completed = [pair for pair in self.ended if pair[1].state is State.COMPLETED]
        others = [pair for pair in self.ended if pair[1].state is not State.COMPLETED]
        written = outcomes.end(cursor, others) if others else set()
        done, claims = exchange.exchange(
            cursor,
            completed,
            self.starting,
            worker_id=self.worker_id,
            unsure=self.unsure,
            durable=self.is_durable,
            paused=self.paused,
        )
        written |= done
        notices = [] if self.is_plain else outcomes.follow(cursor, self.ended, written)
        return CycleResult(written, claims, notices)


class CycleResult(NamedTuple):
    """The result of a cycle: fences of written outcomes, started jobs, notices for Redis."""

    fences: set[Fence]
    claims: list[Claim]
    notices: list[Notice]
