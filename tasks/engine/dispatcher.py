"""The heart of a consumer: starts what is next where a place is free, writes down what has ended.

One loop pops ids from Redis for the places whose worker is idle at this moment. Another writes all
outcomes that are ready at this moment and starts all jobs that were popped, in one statement.
Batches are made by waiting for the database, never by a timer. Twenty times a second an exchange
waits for the disk, and so for all exchanges before it: until then a completion is kept here, and
written again if PostgreSQL crashed.
"""

from __future__ import annotations

import logging
import random
import time
from dataclasses import dataclass
from functools import partial

import gevent
import redis
from gevent.event import Event
from gevent.queue import Empty, SimpleQueue

from tasks.engine.claim import Claim
from tasks.engine.complaint import Complaint
from tasks.engine.database import Cursor
from tasks.engine.doorbell import Doorbell
from tasks.engine.errors import MahaamError
from tasks.engine.lease import Lease
from tasks.engine.link import REFUSALS, Link, LinkBroken
from tasks.engine.outcome import Ended, Failure, Fence, Outcome
from tasks.engine.queries.lines import Line
from tasks.engine.run import Run
from tasks.engine.states import State
from tasks.engine.store import exchange, outcomes
from tasks.engine.store.due import Ring

log = logging.getLogger("mahaam.dispatcher")

redis_away = Complaint(log, every_s=10.0)

PAUSE_S = 0.5  # between tries while a server is away
LISTEN_S = 0.5  # how long one blocking pop lasts
LIMITED_S = 0.02  # how often a rate-limited queue is asked
SQL_TIMEOUT_S = 10.0
POP_S = 0.005  # what an exchange waits at most for a pop that is under way, to take its ids along
SUSPECT_AFTER = 2  # crashes after which a job runs alone
CHECK_S = 2.0  # how often PostgreSQL is asked for a sign of life while jobs run
FLUSH_S = 0.05  # a completion waits so long for the disk, while others are written

# The exchange is planned once per connection, when the table may be empty; these settings make
# the plan one that is right for ten million rows: by primary key.
BY_KEY = (
    "SET plan_cache_mode = force_generic_plan",
    "SET enable_seqscan = off",
    "SET enable_bitmapscan = off",
    "SET enable_hashjoin = off",
    "SET enable_mergejoin = off",
)


class Dispatcher:
    """Holds `places` jobs at most, from the pop until the outcome is written."""

    def __init__(
        self, doorbell: Doorbell, *, places: int, queues: list[str], weighted: bool = False
    ) -> None:
        self._doorbell = doorbell
        self._places = places
        # Two halves take turns: while the exchange of one is under way, the jobs of the other run.
        self._half = (places + 1) // 2
        self._weighted = weighted
        self._link = Link(
            "mahaam dispatcher",
            timeout_s=SQL_TIMEOUT_S,
            settings=(*BY_KEY, exchange.PREPARE),
        )
        self._link.on_open = self._recover
        self._popped: list[str] = []  # to be started with the next exchange
        self._starting: list[str] = []  # in the exchange that is under way
        self._ended: list[Run] = []  # to be written with the next exchange
        self._runs: dict[Fence, Run] = {}  # started here and not yet written
        self._unflushed: list[Ended] = []  # written, perhaps not on disk yet
        self._flush_at = 0.0
        self._ready: SimpleQueue[Run] = SimpleQueue()
        self._place_freed = Event()
        self._has_work = Event()
        self._pop_is_over = Event()
        self._pop_is_over.set()
        self._quiet = False
        self._suspect: Run | None = None  # waits until it is the only one
        self._alone: Run | None = None  # a suspect that runs
        self._busy = 0  # runs whose task has not returned
        self.lines: list[Line] = []
        self.started = 0
        self.silent_since: float | None = None  # since when nothing was to be had
        self.lease = Lease(queues=queues, greenlets=places, held=self.held)

    # For the workers.

    def take(self, timeout_s: float) -> Run | None:
        """The next started job, or None after `timeout_s`."""
        try:
            run: Run = self._ready.get(block=timeout_s > 0, timeout=timeout_s)
        except Empty:
            return None
        return run

    def finish(self, run: Run) -> None:
        """Note that an attempt is over: its place is free, its outcome is written next."""
        run.is_over = True
        if run is self._alone:
            self._alone = None
        self._busy -= 1
        self._ended.append(run)
        self._place_freed.set()  # first: what is popped now goes into the same exchange
        self._has_work.set()

    # For the consumer.

    def held(self) -> list[str]:
        """Ids of everything between pop and written outcome; safe to call from any thread."""
        unflushed = [claim.id for claim, _ in self._unflushed]
        return [*self._popped, *self._starting, *(id_ for id_, _ in list(self._runs)), *unflushed]

    def is_idle(self) -> bool:
        """Whether nothing is held."""
        return not (self._popped or self._starting or self._runs or self._unflushed)

    def running(self) -> list[Run]:
        """Attempts whose task has not returned yet."""
        return [run for run in self._runs.values() if not run.is_over]

    def be_quiet(self) -> None:
        """Start nothing new and give back what has not begun; what runs goes on."""
        self._quiet = True
        self._place_freed.set()
        while (run := self.take(0)) is not None:
            self._give_back(run)
        if self._suspect is not None:
            suspect, self._suspect = self._suspect, None
            self._give_back(suspect)

    # The first loop: who is next?

    def listen(self) -> None:
        """Pop for idle places until told to be quiet."""
        while not self._quiet:
            idle = self._places - self._busy - len(self._popped) - len(self._starting)
            if idle <= 0 or self._suspect or self._alone:
                self._place_freed.clear()
                self._place_freed.wait()
            elif not self.lease.is_valid():
                gevent.sleep(LISTEN_S / 5)
            else:
                self._pop(min(idle, self._half))

    def _pop(self, idle: int) -> None:
        try:
            popped = self._next(idle)
        except redis.RedisError as fault:
            redis_away.say("Redis is away; trying again. fault=%s", fault)
            gevent.sleep(PAUSE_S)
            return
        if popped:
            self.silent_since = None
            self._popped += popped
            self._has_work.set()
        else:
            self.silent_since = self.silent_since or time.monotonic()

    def _next(self, idle: int) -> list[str]:
        lines = [line for line in self.lines if not line.paused]
        if self._weighted:
            lines.sort(key=lambda line: random.random() ** (1 / line.weight), reverse=True)
        self._pop_is_over.clear()
        try:
            popped = self._doorbell.pop(idle, lines)
        finally:
            self._pop_is_over.set()
        if popped or self._quiet:
            return popped
        unlimited = [line for line in lines if not line.rate_limit]
        limited = len(unlimited) < len(lines)
        if not unlimited:
            gevent.sleep(LIMITED_S if limited else LISTEN_S / 5)
            return []
        heard = self._doorbell.wait(unlimited, timeout_s=LIMITED_S if limited else LISTEN_S)
        if heard is not None and (self._quiet or self._alone):
            self._doorbell.ring([heard])  # for another consumer, or for later
            heard = None
        return [heard.id] if heard else []

    # The second loop: what is done for what is next.

    def exchange(self) -> None:
        """Write and start as it comes, for ever."""
        while True:
            self._has_work.wait(self._patience_s())
            self._pop_is_over.wait(POP_S)
            self._has_work.clear()
            ended, self._ended = self._ended, []
            self._starting, self._popped = self._popped, []
            for run in ended:
                run.outcome = run.outcome or _outcome_of(run)
            self._exchange([(run.claim, run.outcome) for run in ended if run.outcome])
            for run in ended:
                self._runs.pop(run.claim.fence, None)
            self._starting = []
            self._begin_suspect()
            self._place_freed.set()

    def _patience_s(self) -> float | None:
        """How long the loop may sleep: a crash of PostgreSQL must be seen while jobs run."""
        if self._unflushed:
            return FLUSH_S
        return CHECK_S if self._runs else None

    def _exchange(self, ended: list[Ended]) -> None:
        try:
            written, claims = self._carried_out(ended)
        except REFUSALS as fault:
            self._exchange_singly(ended, fault)
            return
        for claim in claims:
            self._begin(claim)
        self._stamp(claims)
        _announce([pair for pair in ended if pair[0].fence in written])
        self._ring_for(ended, written)
        late = [pair for pair in ended if pair[0].fence not in written]
        if late:
            self._note_late(late)

    def _carried_out(self, ended: list[Ended]) -> tuple[set[Fence], list[Claim]]:
        """Send the exchange until PostgreSQL has answered: nothing here is in other hands."""
        repeated = False
        while True:
            durable = repeated or (bool(self._unflushed) and time.monotonic() >= self._flush_at)
            unsure = self._starting if repeated else []
            sent = _Exchange(ended, self._starting, self.lease.worker_id, unsure, durable)
            try:
                written, claims = self._link.run(sent, atomic=not sent.is_plain)
                missing = [pair for pair in ended if pair[0].fence not in written]
                if repeated and missing:
                    written |= self._link.run(partial(outcomes.already_written, ended=missing))
            except LinkBroken:
                if not repeated:
                    ended += self._unflushed  # lost perhaps: what stands already is found again
                repeated = True
                gevent.sleep(PAUSE_S)
            else:
                if sent.is_durable:
                    self._unflushed = []
                else:
                    self._remember([pair for pair in ended if pair[0].fence in written])
                return written, claims

    def _remember(self, completed: list[Ended]) -> None:
        """Keep completions until a durable exchange confirms them."""
        if completed and not self._unflushed:
            self._flush_at = time.monotonic() + FLUSH_S
        self._unflushed += completed

    def _recover(self, cursor: Cursor) -> None:
        """On a new connection PostgreSQL may have crashed and lost the last writes: make them again.

        Rows that say queued while their job runs here are taken back; completions that no disk has
        confirmed go into the next exchange.
        """
        held = [run.claim for run in self._runs.values()] + [claim for claim, _ in self._unflushed]
        if held:
            back = exchange.take_back(cursor, held)
            if back:
                log.warning(
                    "Starts lost in a crash of PostgreSQL made again. jobs=%s", ",".join(back)
                )

    def _exchange_singly(self, ended: list[Ended], fault: Exception) -> None:
        """PostgreSQL refuses a batch: find the outcome that it refuses and write a plain one."""
        if len(ended) > 1 or (ended and self._starting):
            starting, self._starting = self._starting, []
            for pair in ended:
                self._exchange([pair])
            self._starting = starting
            self._exchange([])
            return
        log.error("PostgreSQL refused a write. held=%s fault=%s", ",".join(self.held()), fault)
        for claim, outcome in ended:
            error = MahaamError(f"The outcome ({outcome.state}) could not be written: {fault}")
            plain = Outcome(State.FAILED, claim.retry_count, failure=Failure.told(error))
            if outcome.failure != plain.failure:
                self._exchange([(claim, plain)])

    def _begin(self, claim: Claim) -> None:
        if claim.state == State.EXPIRED or claim.fence in self._runs:
            return
        run = Run(claim)
        twice = any(other.claim.id == claim.id for other in self.running())
        self._runs[claim.fence] = run
        self._busy += 1
        self.started += 1
        suspect = claim.crash_count >= SUSPECT_AFTER
        if self._quiet or twice or not self.lease.is_valid() or (suspect and self._has_suspect):
            self._give_back(run)
        elif suspect:
            self._suspect = run
        else:
            self._ready.put(run)

    @property
    def _has_suspect(self) -> bool:
        return self._suspect is not None or self._alone is not None

    def _begin_suspect(self) -> None:
        """Let a job that crashed its worker twice run, once nothing else can be drawn into it.

        Which of the jobs that ran in a crashed worker was the cause is not known. Run one by one,
        only the cause is charged again.
        """
        popping = not self._pop_is_over.is_set()
        if self._suspect is None or popping or self._popped or len(self._runs) > 1:
            return
        self._alone, self._suspect = self._suspect, None
        self._ready.put(self._alone)

    def _stamp(self, claims: list[Claim]) -> None:
        """Tell Redis the real start of jobs from queues with a rate limit."""
        limited = {line.name for line in self.lines if line.rate_limit}
        for queue in limited & {claim.queue for claim in claims}:
            try:
                self._doorbell.stamp(queue, [claim.id for claim in claims if claim.queue == queue])
            except redis.RedisError as fault:
                redis_away.say(
                    "Redis is away; a start counts as later than it was. fault=%s", fault
                )

    def _give_back(self, run: Run) -> None:
        """Release a started job that was not begun."""
        run.final_state = State.QUEUED
        self.finish(run)

    def _ring_for(self, ended: list[Ended], written: set[Fence]) -> None:
        rings = []
        for claim, outcome in ended:
            if claim.fence not in written:
                continue
            if outcome.state is State.QUEUED:
                rings.append(Ring(claim.queue, claim.priority, claim.id))
            rings += [Ring(f.job.queue, f.job.priority, f.call[0]) for f in outcome.follow_ups]
        if rings:
            try:
                self._doorbell.ring(rings)
            except redis.RedisError as fault:
                redis_away.say("Redis is away; rung later. fault=%s", fault)

    def _note_late(self, late: list[Ended]) -> None:
        for claim, outcome in late:
            log.warning(
                "Late result refused; the job was given to another. job=%s attempt=%s outcome=%s",
                claim.id,
                claim.attempt,
                outcome.word,
            )
        try:
            self._link.run(partial(outcomes.note_late, ended=late))
        except LinkBroken:
            log.warning("Late results could not be noted. count=%s", len(late))


@dataclass(frozen=True, slots=True)
class _Exchange:
    """One exchange, as often as it has to be sent."""

    ended: list[Ended]
    starting: list[str]
    worker_id: str
    unsure: list[str]
    flushed: bool

    @property
    def is_plain(self) -> bool:
        """Whether it is a single statement."""
        return all(outcome.is_plain for _, outcome in self.ended)

    @property
    def is_durable(self) -> bool:
        """Whether it waits for the disk; what is no plain completion always does."""
        return self.flushed or not self.is_plain

    def __call__(self, cursor: Cursor) -> tuple[set[Fence], list[Claim]]:
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
        )
        written |= done
        outcomes.follow(cursor, self.ended, written)
        return written, claims


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
