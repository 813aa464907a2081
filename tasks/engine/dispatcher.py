"""The heart of a consumer: starts what is next when a slot is free, writes down what has ended.

Two loops, each with its own connection. One pops and claims for all slots that are idle at this
moment; the other writes all outcomes that are ready at this moment. Batches are made by waiting
for the database, never by a timer. A slot is free again when its outcome is written: so at no
instant more rows are running than there are slots.
"""

from __future__ import annotations

import logging
import random
import time

import gevent
import psycopg2
import redis
from gevent.event import Event
from gevent.queue import Empty, SimpleQueue

from tasks.engine.doorbell import Doorbell
from tasks.engine.errors import MahaamError
from tasks.engine.lease import Lease
from tasks.engine.link import Link, LinkBroken
from tasks.engine.outcome import Failure, Outcome
from tasks.engine.queries.lines import Line
from tasks.engine.run import Run
from tasks.engine.states import State
from tasks.engine.store import claims, outcomes
from tasks.engine.store.claims import Claim
from tasks.engine.store.due import Ring
from tasks.engine.store.outcomes import Ended

log = logging.getLogger("mahaam.dispatcher")

PAUSE_S = 0.5  # between tries while a server is away
LISTEN_S = 0.5  # how long one blocking pop lasts
LIMITED_S = 0.02  # how often a rate-limited queue is asked
SQL_TIMEOUT_S = 10.0


class Dispatcher:
    """Holds `slots` jobs at most, from the pop until the outcome is written."""

    def __init__(
        self, doorbell: Doorbell, *, slots: int, queues: list[str], weighted: bool = False
    ) -> None:
        self._doorbell = doorbell
        self.lease = Lease(queues=queues, greenlets=slots, held=self.held)
        self._slots = slots
        self._weighted = weighted
        self._claim_link = Link(
            "mahaam claim", timeout_s=SQL_TIMEOUT_S, settings=("SET synchronous_commit = off",)
        )
        self._settle_link = Link("mahaam settle", timeout_s=SQL_TIMEOUT_S)
        self._settle_link.on_open = self._reassert
        self._claiming: list[str] = []  # popped; whether they are ours is being asked
        self._unsure: list[str] = []  # of these, claimed perhaps: the answer was lost
        self._runs: dict[tuple[str, int], Run] = {}
        self._ready: SimpleQueue[Run] = SimpleQueue()
        self._ended: list[Run] = []
        self._slot_freed = Event()
        self._has_ended = Event()
        self._quiet = False
        self.lines: list[Line] = []
        self.started = 0
        self.silent_since: float | None = None  # since when nothing was to be had

    # For the workers.

    def take(self, timeout_s: float) -> Run | None:
        """The next started job, or None after `timeout_s`."""
        try:
            run: Run = self._ready.get(block=timeout_s > 0, timeout=timeout_s)
        except Empty:
            return None
        return run

    def finish(self, run: Run) -> None:
        """Note that an attempt is over; the settle loop writes it."""
        self._ended.append(run)
        self._has_ended.set()

    # For the consumer.

    def held(self) -> list[str]:
        """Ids of everything between pop and written outcome; safe to call from any thread."""
        return [*self._claiming, *(id_ for id_, _ in list(self._runs))]

    def is_idle(self) -> bool:
        """Whether nothing is held."""
        return not self._claiming and not self._runs

    def running(self) -> list[Run]:
        """Attempts whose task has not returned yet."""
        return [run for run in self._runs.values() if run.outcome is None]

    def be_quiet(self) -> None:
        """Claim nothing new and give back what has not begun; what runs goes on."""
        self._quiet = True
        self._slot_freed.set()
        while (run := self.take(0)) is not None:
            self.give_back(run)

    def give_back(self, run: Run) -> None:
        """Release a started job that was not begun."""
        run.final_state = State.QUEUED
        self.finish(run)

    # The claim loop.

    def claim_loop(self) -> None:
        """Fill idle slots until told to be quiet."""
        while not self._quiet:
            idle = self._slots - len(self._claiming) - len(self._runs)
            if idle <= 0:
                self._slot_freed.clear()
                self._slot_freed.wait()
            elif not self.lease.is_valid():
                gevent.sleep(LISTEN_S / 5)
            else:
                self._fill(idle)
        self._claim_link.close()

    def _fill(self, idle: int) -> None:
        try:
            popped = self._next(idle)
        except redis.RedisError as fault:
            log.warning("Redis is away; trying again. fault=%s", fault)
            gevent.sleep(PAUSE_S)
            return
        if not popped:
            self.silent_since = self.silent_since or time.monotonic()
            return
        self.silent_since = None
        self._claiming = popped
        try:
            for claim in self._claimed():
                self._begin(claim)
        finally:
            self._claiming = []

    def _next(self, idle: int) -> list[str]:
        lines = [line for line in self.lines if not line.paused]
        if self._weighted:
            lines.sort(key=lambda line: random.random() ** (1 / line.weight), reverse=True)
        popped = self._doorbell.pop(idle, lines)
        if popped or self._quiet:
            return popped
        unlimited = [line for line in lines if not line.rate_limit]
        limited = len(unlimited) < len(lines)
        if not unlimited:
            gevent.sleep(LIMITED_S if limited else LISTEN_S / 5)
            return []
        return self._doorbell.wait(unlimited, timeout_s=LIMITED_S if limited else LISTEN_S)

    def _claimed(self) -> list[Claim]:
        """Claim what was popped, however long PostgreSQL is away: it is in no other hands."""
        self._unsure = []
        while True:
            worker_id = self.lease.worker_id
            try:
                return self._claim_link.run(
                    lambda cursor: claims.claim(
                        cursor, self._claiming, worker_id=worker_id, unsure=self._unsure
                    )
                )
            except LinkBroken:
                self._unsure = self._claiming
                if self._quiet:
                    return []
                gevent.sleep(PAUSE_S)

    def _begin(self, claim: Claim) -> None:
        if claim.state == State.EXPIRED or claim.fence in self._runs:
            return
        run = Run(claim)
        self._runs[claim.fence] = run
        self.started += 1
        if self._quiet or not self.lease.is_valid() or self._runs_already(run):
            self.give_back(run)
        else:
            self._ready.put(run)

    def _runs_already(self, run: Run) -> bool:
        """Whether an earlier attempt of the same job has not returned yet: never two at once."""
        return any(
            other.claim.id == run.claim.id and other is not run and other.outcome is None
            for other in self._runs.values()
        )

    # The settle loop.

    def settle_loop(self) -> None:
        """Write outcomes as they come, for ever."""
        while True:
            self._has_ended.wait()
            self._has_ended.clear()
            batch, self._ended = self._ended, []
            for run in batch:
                run.outcome = run.outcome or _outcome_of(run)
            self._persist([(run.claim, run.outcome) for run in batch if run.outcome])
            for run in batch:
                self._runs.pop(run.claim.fence, None)
            self._slot_freed.set()

    def _persist(self, batch: list[Ended]) -> None:
        try:
            written = self._written(batch)
        except psycopg2.Error as fault:
            self._persist_singly(batch, fault)
            return
        _announce([pair for pair in batch if pair[0].fence in written])
        self._ring_for(batch, written)
        late = [pair for pair in batch if pair[0].fence not in written]
        if late:
            self._note_late(late)

    def _written(self, batch: list[Ended]) -> set[tuple[str, int]]:
        atomic, repeated = not outcomes.is_plain(batch), False
        while True:
            try:
                written = self._settle_link.run(
                    lambda cursor: outcomes.settle(cursor, batch), atomic=atomic
                )
                missing = [pair for pair in batch if pair[0].fence not in written]
                if repeated and missing:
                    written |= self._settle_link.run(
                        lambda cursor: outcomes.already_written(cursor, missing)
                    )
                return written
            except LinkBroken:
                repeated = True
                gevent.sleep(PAUSE_S)

    def _persist_singly(self, batch: list[Ended], fault: psycopg2.Error) -> None:
        """PostgreSQL refuses a batch: find the outcome that it refuses and write a plain one."""
        if len(batch) > 1:
            for pair in batch:
                self._persist([pair])
            return
        ((claim, outcome),) = batch
        log.error(
            "An outcome was refused. job=%s state=%s fault=%s", claim.id, outcome.state, fault
        )
        error = MahaamError(f"The outcome ({outcome.state}) could not be written: {fault}")
        plain = Outcome(State.FAILED, claim.retry_count, failure=Failure.told(error))
        if outcome.failure != plain.failure:
            self._persist([(claim, plain)])

    def _ring_for(self, batch: list[Ended], written: set[tuple[str, int]]) -> None:
        rings = []
        for claim, outcome in batch:
            if claim.fence not in written:
                continue
            if outcome.state is State.QUEUED:
                rings.append(Ring(claim.queue, claim.priority, claim.id))
            rings += [
                Ring(after.job.queue, after.job.priority, after.call[0])
                for after in outcome.follow_ups
            ]
        if rings:
            try:
                self._doorbell.ring(rings)
            except redis.RedisError as fault:
                log.warning("Redis is away; rung later. fault=%s", fault)

    def _note_late(self, late: list[Ended]) -> None:
        for claim, outcome in late:
            log.warning(
                "Late result refused; the job was given to another. job=%s attempt=%s outcome=%s",
                claim.id,
                claim.attempt,
                outcome.word,
            )
        try:
            self._settle_link.run(lambda cursor: outcomes.note_late(cursor, late))
        except LinkBroken:
            log.warning("Late results could not be noted. count=%s", len(late))

    def _reassert(self, cursor: claims.Cursor) -> None:
        """On a new connection PostgreSQL may have crashed: tell it what runs here."""
        held = [run.claim for run in list(self._runs.values())]
        if held and self.lease.is_valid():
            back = claims.reassert(cursor, held)
            if back:
                log.warning(
                    "Claims lost in a crash of PostgreSQL were made again. jobs=%s", ",".join(back)
                )


def _outcome_of(run: Run) -> Outcome:
    try:
        return run.settle_as()
    except Exception as fault:  # a result or an exception that breaks when looked at
        log.exception("An outcome could not be read. job=%s", run.claim.id)
        return Outcome(State.FAILED, run.claim.retry_count, failure=Failure.of(fault))


def _announce(written: list[Ended]) -> None:
    """Say in the log what an operator must know."""
    for claim, outcome in written:
        if outcome.state is State.FAILED and outcome.failure:
            log.critical(
                "Job failed for good; see the dead letters. job=%s task=%s queue=%s retries=%s error=%s",
                claim.id,
                claim.task,
                claim.queue,
                outcome.retry_count,
                f"{outcome.failure.error_class}: {outcome.failure.message}".splitlines()[0],
            )
