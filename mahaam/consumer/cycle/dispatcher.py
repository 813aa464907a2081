"""The core loop of a consumer: pop ids for free slots, run a cycle, hand the claims out.

The fetcher pops ids for free slots. The loop here writes all outcomes that are ready at this
moment and starts all jobs that were popped, in one cycle. Batches form while the loop waits for the
database, never by a timer. Every FLUSH_INTERVAL_MS the flusher waits for the disk, and so for all
cycles before: until then a completion is kept here, and written again if PostgreSQL crashed.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterable
from functools import partial

import gevent

from mahaam.config import get_settings
from mahaam.consumer.cycle import flusher
from mahaam.consumer.cycle.fetcher import Fetcher
from mahaam.consumer.cycle.flusher import Flusher, FlushMark
from mahaam.consumer.cycle.latency_stats import LatencyStats
from mahaam.consumer.cycle.result_notifier import ResultNotifier
from mahaam.consumer.cycle.signal_sender import SignalSender
from mahaam.consumer.cycle.slots import Slots
from mahaam.consumer.cycle.unflushed import Unflushed
from mahaam.consumer.cycle.unknown_tasks import UnknownTaskJobs
from mahaam.core.errors import MahaamError
from mahaam.core.liveness import get_on
from mahaam.doorbell.doorbell import Doorbell
from mahaam.enqueuing import after_commit
from mahaam.jobs import derive_follow_ups, task_registry
from mahaam.jobs.derive_follow_ups import FinalState
from mahaam.jobs.outcome import Ended, Failure, Fence, Outcome
from mahaam.jobs.states import State
from mahaam.postgres.database import Cursor
from mahaam.postgres.reconnecting import REFUSALS, ConnectionBroken, ReconnectingConnection
from mahaam.run.hooks import hooks
from mahaam.run.run import Run
from mahaam.set_aside import isolate
from mahaam.store import exchange, outcomes
from mahaam.store.actions import pauses
from mahaam.store.cycle import Cycle, CycleResult
from mahaam.workers.lease import Lease

log = logging.getLogger("mahaam.dispatcher")

PAUSE_S = 0.5  # between tries while PostgreSQL is away
SQL_TIMEOUT_S = 10.0
POP_S = 0.005  # how long a cycle waits for a pop that is under way, to start its jobs, too
STARTS = "starts"  # the loop name under which rows are set aside that cannot be started
FLUSHER_S = 0.5  # time for the flusher; after it a cycle waits for the disk itself
IDLE_S = 2.0  # how often an idle dispatcher gives a sign of life
CHECK_S = 2.0  # how often PostgreSQL is checked for a sign of life while jobs run

# The exchange is planned once per connection, when the table may be empty; these settings force
# the plan that is right for ten million rows: by primary key.
BY_KEY = (
    "SET plan_cache_mode = force_generic_plan",
    "SET enable_seqscan = off",
    "SET enable_bitmapscan = off",
    "SET enable_hashjoin = off",
    "SET enable_mergejoin = off",
)


class Dispatcher:
    """Two loops, `fetcher.listen` and `turn`, around the slots of one consumer.

    `result_notifier` is notified of ended jobs, `signal_sender` of follow-ups and expired jobs.
    """

    def __init__(
        self,
        doorbell: Doorbell,
        slots: Slots,
        *,
        queues: list[str],
        weighted: bool,
        result_notifier: ResultNotifier,
        signal_sender: SignalSender,
    ) -> None:
        self.slots = slots
        self.lease = Lease(
            queues=queues, greenlets=slots.count, held=self.held, tasks=task_registry.known_names()
        )
        self.unknown_jobs = UnknownTaskJobs()
        self.fetcher = Fetcher(slots, doorbell, may_start=self.lease.is_valid, weighted=weighted)
        self.latencies = LatencyStats()
        # Ids that were popped or had run but are no row of this worker, with the time.
        self.unclaimed: deque[tuple[float, str]] = deque(maxlen=10_000)
        self._doorbell = doorbell
        self._result_notifier = result_notifier
        self._signal_sender = signal_sender
        self._link = ReconnectingConnection(
            "mahaam dispatcher",
            timeout_s=SQL_TIMEOUT_S,
            settings=(*BY_KEY, "SET synchronous_commit = off", exchange.PREPARE),
        )
        self._link.on_open = self._recover
        self.paused: tuple[str, ...] = ()  # tasks whose jobs are not started
        self.flusher = Flusher()
        self._unflushed = Unflushed()
        self._mark = FlushMark(0, None, 0)  # the completions written on this connection
        self._ending: list[Run] = []  # runs in the exchange that is under way
        self._is_unsure = False  # whether that exchange may have been executed
        self._flush_s = get_settings().flush_interval_ms / 1000
        self._flush_at = 0.0
        self._asked_at = 0.0  # when the flusher was asked last

    def held(self) -> list[str]:
        """Return the ids of all jobs that this consumer holds. Safe to call from any thread."""
        return [*self.slots.held(), *(claim.id for claim, _ in self._unflushed.pairs)]

    def is_idle(self) -> bool:
        """Return True if this consumer holds no jobs."""
        return self.slots.is_empty and not self._unflushed

    def turn(self) -> None:
        """Run cycles whenever there is something to write or to start, for ever."""
        slots = self.slots
        while True:
            get_on()
            if not self._is_unsure and not self._is_wanted():
                continue
            self.fetcher.wait_for_pop(POP_S)
            slots.changed.clear()
            # Kept in an attribute, where a restarted loop finds them if this one ends midway.
            self._ending, slots.over = self._ending + slots.over, []
            starting = slots.starting + slots.popped
            slots.starting, slots.popped = self._startable(starting), []
            ending = self._ending
            self._exchange([(run.claim, run.settle()) for run in ending])
            self.latencies.note_runs(ending)
            slots.starting = []
            if not self.fetcher.is_popping:
                slots.begin_suspect()
            slots.freed.set()

    def _is_wanted(self) -> bool:
        """Wait for something to do. Return True for a cycle.

        While jobs run there is a cycle every CHECK_S, so that a crash of PostgreSQL is seen.
        """
        if self._unflushed:
            self.slots.changed.wait(self._flush_s)
            return True
        limit_s = CHECK_S if self.slots.runs else IDLE_S
        return self.slots.changed.wait(limit_s) or bool(self.slots.runs)

    def _exchange(self, ended: list[Ended]) -> None:
        paused = self.paused  # a copy for this cycle: maintenance may read pauses meanwhile
        new = len(ended)  # when sent again after a fault, older outcomes may be added
        try:
            cycle_result = self._carried_out(ended, (*paused, *self.unknown_jobs.tasks))
        except REFUSALS as fault:
            self._is_unsure = False
            self._exchange_singly(ended, fault)
            return
        is_ours = self.lease.is_valid()
        for claim in cycle_result.claims:
            self.slots.begin(claim, is_ours=is_ours)
        self._forget(ended)
        self.latencies.note_starts(cycle_result.claims)
        try:
            self._tell(ended, cycle_result, new=new, paused=paused)
        except Exception:  # the outcomes are written; parties that were not notified read the rows
            log.exception("What follows from a turn could not be told to all.")

    def _forget(self, ended: list[Ended]) -> None:
        """Free the slots of runs whose outcomes are written or refused."""
        fences = {claim.fence for claim, _ in ended}
        self._ending = [run for run in self._ending if run.claim.fence not in fences]
        for fence in fences:
            self.slots.runs.pop(fence, None)

    def _tell(
        self, ended: list[Ended], cycle_result: CycleResult, *, new: int, paused: tuple[str, ...]
    ) -> None:
        """Notify Redis, waiters, hooks and statistics; the latter two only of the first `new` of `ended`."""
        fences, claims, notices = cycle_result
        self._put_aside({claim.id for claim in claims}, paused)
        after_commit.stamp(self._doorbell, claims, self.fetcher.lines)
        written, late = _parted(ended, fences)
        after_commit.announce(written)
        after_commit.ring(self._doorbell, written, notices)
        self._result_notifier.ended([claim.id for claim, _ in written])
        if notices:
            self._signal_sender.enqueued(after_commit.unannounced(written, notices))
        told = written if new == len(ended) else _parted(ended[:new], fences)[0]
        if hooks.is_used:
            hooks.started(claims)
            hooks.ended(told)
        self.latencies.note_completed(told)
        if late:
            self._refuse(late)
        for id_ in {claim.id for claim in claims}.intersection(isolate.keys(STARTS)):
            isolate.forget(self._link.run, STARTS, id_)

    def _carried_out(self, ended: list[Ended], left_out: tuple[str, ...]) -> CycleResult:
        """Send a cycle until PostgreSQL has answered. Return its result.

        Nothing of the cycle is handed to other code before that.
        """
        repeated = self._is_unsure
        self._is_unsure = True
        if repeated:
            ended += self._unflushed.pairs
        while True:
            # Read before the cycle is sent, because its answer is the proof.
            confirmed = self.flusher.confirmed
            flushed = repeated or self._must_flush()
            unsure = self.slots.starting if repeated else []
            turn = Cycle(
                ended, self.slots.starting, self.lease.worker_id, unsure, flushed, left_out
            )
            try:
                cycle_result = self._link.run(turn, atomic=not turn.is_plain)
                missing = [pair for pair in ended if pair[0].fence not in cycle_result.fences]
                if repeated and missing:
                    cycle_result.fences.update(
                        self._link.run(partial(outcomes.already_written, ended=missing))
                    )
            except ConnectionBroken:
                if not repeated:
                    # They may be lost; those that are still written are recognized.
                    ended += self._unflushed.pairs
                repeated = True
                gevent.sleep(PAUSE_S)
            else:
                self._remember(turn, cycle_result.fences, confirmed)
                self._is_unsure = False
                return cycle_result

    def _must_flush(self) -> bool:
        """Return True if the next cycle waits for the disk. Under load the flusher waits instead."""
        if not self._flush_s:
            return True
        now = time.monotonic()
        if not self._unflushed or now < self._flush_at:
            return False
        if now > self._flush_at + FLUSHER_S or not self.slots.starting:
            return True
        if self.flusher.ask(self._mark._replace(written=self._unflushed.written)):
            self._asked_at = now
        return False

    def _remember(self, turn: Cycle, fences: set[Fence], confirmed: FlushMark | None) -> None:
        """Keep completions until a durable cycle or the flusher has confirmed them."""
        if turn.is_durable:
            self._unflushed.clear()
            return
        is_proof = confirmed is not None and confirmed[:2] == self._mark[:2]
        if confirmed and is_proof and self._unflushed.forget(confirmed.written):
            self._flush_at = self._asked_at + self._flush_s  # the rest is at most as old as that
        if fences and not self._unflushed:
            self._flush_at = time.monotonic() + self._flush_s
        self._unflushed.add([pair for pair in turn.ended if pair[0].fence in fences])

    def _recover(self, cursor: Cursor) -> None:
        """Repeat the last cycles on a new connection: PostgreSQL may have crashed and lost them.

        Rows that are queued while their job runs here are taken back, and unconfirmed completions are
        written. Both at one instant: otherwise more rows would run than there are slots.
        """
        self._mark = FlushMark(self._mark.connection + 1, flusher.server(cursor), 0)
        running = [run.claim for run in self.slots.runs.values()]
        held = running + [claim for claim, _ in self._unflushed.pairs]
        if not held:
            return
        cursor.execute("BEGIN")
        back = exchange.take_back(cursor, held)
        worker_id = self.lease.worker_id
        Cycle(self._unflushed.pairs, [], worker_id, unsure=[], flushed=True)(cursor)
        cursor.execute("COMMIT")
        if back:
            log.warning("Starts lost in a crash of PostgreSQL made again. jobs=%s", ",".join(back))

    def _exchange_singly(self, ended: list[Ended], fault: Exception) -> None:
        """After PostgreSQL refused a batch, find the refused outcome and write a plain one instead."""
        if len(ended) > 1 or (ended and self.slots.starting):
            starting, self.slots.starting = self.slots.starting, []
            for pair in ended:
                self._exchange([pair])
            self.slots.starting = starting
            self._start_singly()
            return
        if not ended:
            self._start_singly(fault)
            return
        log.error("PostgreSQL refused a write. held=%s fault=%s", ",".join(self.held()), fault)
        for claim, outcome in ended:
            error = MahaamError(f"The outcome ({outcome.state}) could not be written: {fault}")
            failure = Failure.told(error)
            plain = Outcome(State.FAILED, claim.retry_count, failure=failure)
            if outcome.failure != failure:
                end = FinalState(claim.id, claim.options, State.FAILED, failure.line)
                plain.follows = derive_follow_ups.of_end(end)
            if outcome.failure != failure or outcome.follows:
                self._exchange([(claim, plain)])
            else:  # even the plain one is refused: the job must not run again and again
                isolate.put(self._link.run, isolate.GIVE_BACK, claim.id, fault)

    def _start_singly(self, fault: Exception | None = None) -> None:
        """Start popped jobs one by one, so that a row that cannot be started blocks no other."""
        starting, self.slots.starting = self.slots.starting, []
        if fault is not None and len(starting) == 1:
            isolate.put(self._link.run, STARTS, starting[0], fault)
            return
        for id_ in starting:
            self.slots.starting = [id_]
            self._exchange([])

    def _startable(self, popped: list[str]) -> list[str]:
        """Return the ids that are not set aside. A set-aside id is tried again when it is due."""
        left_out = set(isolate.keys(STARTS)) - set(isolate.due(STARTS))
        return [id_ for id_ in popped if id_ not in left_out] if left_out else popped

    def _put_aside(self, started: set[str], paused: tuple[str, ...]) -> None:
        """Handle popped ids that did not start: unknown, taken by another, expired, or paused."""
        left = [id_ for id_ in self.slots.starting if id_ not in started]
        if left:
            self._note_unclaimed(left)
            self._leave(left, paused)

    def _leave(self, left: list[str], paused: tuple[str, ...]) -> None:
        """Expire, pass on or hold jobs that did not start, in halves if PostgreSQL refuses one of them."""
        try:
            worker_id = self.lease.worker_id
            expire = partial(exchange.expire, popped=left, worker_id=worker_id)
            notices = self._link.run(expire, atomic=True)
            after_commit.ring(self._doorbell, [], notices)
            self._result_notifier.ended(left)
            self._signal_sender.expired(left)
            self._signal_sender.enqueued([notice.id for notice in notices])
            self._pass_on_unknown(left)
            if paused:
                self._hold(left, paused)
        except ConnectionBroken:
            log.warning("Jobs are left for the next notice. jobs=%s", ",".join(left))
        except REFUSALS as fault:
            if len(left) == 1:
                isolate.put(self._link.run, STARTS, left[0], fault)
                return
            half = len(left) // 2
            self._leave(left[:half], paused)
            self._leave(left[half:], paused)

    def _hold(self, left: list[str], paused: tuple[str, ...]) -> None:
        """Hold jobs of paused tasks, and drop pauses from `paused` that have ended meanwhile."""
        found = self._link.run(partial(pauses.hold, popped=left, tasks=paused))
        free = [job for job in found if not job.is_held]
        self.paused = tuple(set(self.paused) - {job.task for job in free})
        after_commit.hold(self._doorbell, found)

    def _pass_on_unknown(self, left: list[str]) -> None:
        """Pass unknown-task jobs on to workers that know their tasks."""
        unknown_jobs = self.unknown_jobs.leave(self._link, left)
        if unknown_jobs:
            self.slots.add([unknown_job.id for unknown_job in unknown_jobs if unknown_job.is_over])
            after_commit.pass_on(self._doorbell, unknown_jobs)

    def _note_unclaimed(self, ids: Iterable[str]) -> None:
        now = time.monotonic()
        self.unclaimed.extend((now, id_) for id_ in ids)

    def _refuse(self, late: list[Ended]) -> None:
        after_commit.announce_late(late)
        self._note_unclaimed(claim.id for claim, _ in late)
        try:
            self._link.run(partial(outcomes.note_late, ended=late))
        except ConnectionBroken:
            log.warning("Late results could not be noted. count=%s", len(late))


def _parted(ended: list[Ended], fences: set[Fence]) -> tuple[list[Ended], list[Ended]]:
    """Return those whose outcome was written, and those that came too late."""
    if len(fences) == len(ended):  # no two have one fence
        return ended, []
    written = [pair for pair in ended if pair[0].fence in fences]
    late = [pair for pair in ended if pair[0].fence not in fences]
    return written, late
