"""One cycle of a consumer: every outcome is written and every popped job claimed, together."""

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
    """What is written and started together, as often as it has to be sent.

    `unsure` are those of `starting` that an earlier sending may have started. With `flushed` the
    turn waits for the disk. Jobs of the tasks in `paused` are not started.
    """

    ended: list[Ended]
    starting: list[str]
    worker_id: str
    unsure: list[str]
    flushed: bool
    paused: tuple[str, ...] = ()
    is_plain: bool = field(init=False)  # whether it is a single statement

    def __post_init__(self) -> None:
        self.is_plain = all(outcome.is_plain for _, outcome in self.ended)

    @property
    def is_durable(self) -> bool:
        """Whether it waits for the disk; what is no plain completion always does."""
        return self.flushed or not self.is_plain

    def __call__(self, cursor: Cursor) -> CycleResult:
        """Carry it out, in a transaction if it is not plain."""
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
    """What a turn did: the fences of written outcomes, the jobs started, what Redis must know of."""

    fences: set[Fence]
    claims: list[Claim]
    notices: list[Notice]
