"""The slots of a consumer, and the jobs in them from the pop to the written outcome."""

from __future__ import annotations

import time

from gevent.queue import SimpleQueue

from mahaam.core.deadline import TimedEvent
from mahaam.jobs.claim import Claim
from mahaam.jobs.outcome import Fence
from mahaam.jobs.states import State
from mahaam.run.run import Run

SUSPECT_AFTER = 2  # crashes after which a job runs alone


class Slots:
    """The slots for at most `count` jobs; a slot is free again when its task has returned.

    It is not known which of the jobs that ran in a crashed worker caused the crash. A job that was
    there twice is a suspect: it runs when no other job is held, so that only the cause is charged
    again.
    """

    def __init__(self, count: int, *, limit: int | None = None) -> None:
        """Create `count` slots; `limit` is the total number of jobs that may be started."""
        self.count = count
        self._limit = limit
        self.popped: list[str] = []  # ids to be started with the next exchange
        self.starting: list[str] = []  # ids in the exchange that is under way
        self.over: list[Run] = []  # ended runs to be written with the next exchange
        self.runs: dict[Fence, Run] = {}  # started and not yet written
        self._by_id: dict[str, Run] = {}  # those of `runs` whose task has not returned
        self.started = 0
        self.is_quiet = False  # no new job is started
        self.freed = TimedEvent()
        self.changed = TimedEvent()  # there is something to exchange
        self._ready: SimpleQueue[Run | None] = SimpleQueue()  # None ends a worker's wait
        self._busy = 0
        self._suspect: Run | None = None  # waits until no other job is held
        self._alone: Run | None = None  # the suspect that runs

    @property
    def idle(self) -> int:
        """Return the number of free slots."""
        if self.is_quiet or self._has_suspect:
            return 0
        coming = len(self.popped) + len(self.starting)
        free = self.count - self._busy - coming
        return free if self._limit is None else min(free, self._limit - self.started - coming)

    @property
    def is_used_up(self) -> bool:
        """Return True if the total limit of started jobs is reached."""
        return self._limit is not None and self.started >= self._limit

    @property
    def is_empty(self) -> bool:
        """Return True if no job is held."""
        return not (self.popped or self.starting or self.runs)

    @property
    def is_single(self) -> bool:
        """Return True if at most one job has a slot."""
        return self._busy <= 1

    def held(self) -> list[str]:
        """Return the ids of all jobs between pop and written outcome. Safe to call from any thread."""
        return [*self.popped, *self.starting, *(id_ for id_, _ in list(self.runs))]

    def running(self) -> list[Run]:
        """Return the attempts whose task has not returned yet."""
        return [run for run in self.runs.values() if not run.is_over]

    def add(self, popped: list[str]) -> None:
        """Add ids that are to be started."""
        self.popped += popped
        self.changed.set()

    def begin(self, claim: Claim, *, is_ours: bool) -> None:
        """Give a started job to a worker, or give it back at once if it must not run here."""
        fence = claim.fence
        if fence in self.runs:
            return
        run = Run(claim)
        twice = self._by_id.setdefault(claim.id, run) is not run
        self.runs[fence] = run
        self._busy += 1
        self.started += 1
        suspect = claim.crash_count >= SUSPECT_AFTER
        if self.is_quiet or twice or not is_ours or (suspect and self._has_suspect):
            self._give_back(run)
        elif suspect:
            self._suspect = run
        else:
            self._ready.put(run)

    def begin_suspect(self) -> None:
        """Start the suspect if it is the only job that is held."""
        if self._suspect is None or self.popped or len(self.runs) > 1:
            return
        self._alone, self._suspect = self._suspect, None
        self._ready.put(self._alone)

    def take(self) -> Run | None:
        """Wait for the next job of a worker. Return None if the worker is to end."""
        run: Run | None = self._ready.get()
        return run

    def send_home(self, workers: int) -> None:
        """Make that many workers stop waiting for jobs."""
        for _ in range(workers):
            self._ready.put(None)

    def finish(self, run: Run) -> None:
        """Free the slot of an attempt that is over. The next cycle writes its outcome."""
        run.is_over = True
        run.ended_at = time.monotonic()
        if self._by_id.get(run.claim.id) is run:
            del self._by_id[run.claim.id]
        if run is self._alone:
            self._alone = None
        self._busy -= 1
        self.over.append(run)
        self.freed.set()  # first: ids that are popped now go into the same exchange
        self.changed.set()

    def be_quiet(self) -> None:
        """Start no new jobs and give back those that have not begun. Running jobs go on."""
        self.is_quiet = True
        self.freed.set()
        while not self._ready.empty():
            if (run := self._ready.get()) is not None:
                self._give_back(run)
        if self._suspect is not None:
            suspect, self._suspect = self._suspect, None
            self._give_back(suspect)

    def wake(self) -> None:
        """Start jobs again."""
        self.is_quiet = False
        self.freed.set()

    def resize(self, count: int) -> None:
        """Set the number of slots. If more jobs are held, none is started until they are fewer."""
        self.count = count
        self.freed.set()

    @property
    def _has_suspect(self) -> bool:
        return self._suspect is not None or self._alone is not None

    def _give_back(self, run: Run) -> None:
        run.final_state = State.QUEUED
        self.finish(run)
