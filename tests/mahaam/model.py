"""A handful of jobs against the table of moves: what a step may change, and what must always hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant

from mahaam import enqueue, verbs
from mahaam.jobs.claim import Claim
from mahaam.jobs.states import MOVES, Event, State, is_held, sources
from mahaam.postgres.database import Connection, Cursor
from mahaam.verbs import VerbResult
from tests.mahaam import rows
from tests.mahaam.stage import Stage

JOBS = 8
TASKS = ("tests.mahaam.tasks.nothing", "tests.mahaam.tasks.add")
BY = "ann"
ROWS = """
SELECT id::text, task, state, attempt, run_at, worker_id::text, cancel_requested_at,
       job_is_sound(state, run_at, started_at, finished_at, worker_id, progress, attempt, retry_count,
                    max_retries, crash_count) AS is_sound,
       EXISTS (SELECT FROM dead_letter WHERE job_id = job.id) AS has_letter
FROM job ORDER BY id
"""

Row = dict[str, Any]


class Draw(NamedTuple):
    """What chance decides in a step."""

    slots: set[int]  # of jobs
    one: int
    worker: int
    yes: bool


draws = st.builds(
    Draw,
    slots=st.sets(st.integers(0, JOBS - 1), min_size=1, max_size=4),
    one=st.integers(0, JOBS - 1),
    worker=st.integers(0, 1),
    yes=st.booleans(),
)


class Model(RuleBasedStateMachine):
    """The rows as they were before the step, and the events that the step may cause."""

    steps = 0
    moves: Counter[tuple[str, str]] = Counter()

    def __init__(self, stage: Stage, link: Connection) -> None:
        super().__init__()
        self.stage = stage
        self.link = link
        self.before: dict[str, Row] = {}
        self.may: set[Event] = set()
        self.claims: list[Claim] = []  # every start that was told, also those long over
        self.over: dict[str, int] = {}  # jobs whose cancel or stop was acknowledged: their attempt
        stage.clear()
        stage.ask("DELETE FROM task_pause; DELETE FROM worker")
        self.workers = [rows.a_worker(stage) for _ in range(2)]
        for number in range(JOBS - 2):
            enqueue(TASKS[number % 2], (1, 2), delay=3600 if number % 3 == 2 else None)
        self.every_move_is_legal()

    @invariant()
    def every_move_is_legal(self) -> None:
        after = {row["id"]: row for row in self.stage.ask(ROWS)}
        if Event.RESUMED in self.may:
            self._check_held(after)
        for id_, row in after.items():
            assert row["is_sound"], row
            assert row["has_letter"] or row["state"] != State.FAILED, row
            if id_ in self.before:
                self._check_move(self.before[id_], row)
            assert self.over.get(id_, row["attempt"]) == row["attempt"], f"It ran again: {row}"
        assert self.before.keys() <= after.keys()
        self.before, self.may = after, set()
        Model.steps += 1

    def _check_held(self, after: dict[str, Row]) -> None:
        paused = self.paused_tasks()
        for id_ in filter(self.is_held, self.before):
            row = after[id_]
            assert is_held(row["state"], row["run_at"]) == (row["task"] in paused), row

    def _check_move(self, old: Row, new: Row) -> None:
        if (old["state"], old["attempt"]) == (new["state"], new["attempt"]):
            return
        Model.moves[old["state"], new["state"]] += 1
        legal = {state for event in self.may for state in MOVES[event].get(old["state"], ())}
        assert new["state"] in legal, f"{self.may} moved {old} to {new}"
        started = new["state"] == State.RUNNING
        assert new["attempt"] == old["attempt"] + started
        if old["cancel_requested_at"] and old["state"] == State.RUNNING:
            assert new["state"] not in (State.QUEUED, State.RETRYING), f"Asked to stop: {new}"

    # What the rules ask.

    @contextmanager
    def cursor(self) -> Iterator[Cursor]:
        """A consumer's transaction."""
        with self.link.cursor() as cursor:
            cursor.execute("BEGIN")
            try:
                yield cursor
            except BaseException:
                cursor.execute("ROLLBACK")
                raise
            cursor.execute("COMMIT")

    def chosen(self, slots: set[int]) -> list[str]:
        ids = list(self.before)
        return [ids[place] for place in sorted(slots) if place < len(ids)]

    def those_in(self, state: str) -> list[str]:
        return [id_ for id_, row in self.before.items() if row["state"] == state]

    def told(self, which: int) -> list[Claim]:
        """One of the starts that were told, the last ones more often; none before the first."""
        few = self.claims[: JOBS // 2] if which % 2 else self.claims[: 2 * JOBS]
        return [few[which % len(few)]] if few else []

    def is_current(self, claim: Claim) -> bool:
        row = self.before[claim.id]
        fence = State.RUNNING, claim.attempt, claim.worker_id
        return (row["state"], row["attempt"], row["worker_id"]) == fence

    def is_held(self, id_: str) -> bool:
        return is_held(self.before[id_]["state"], self.before[id_]["run_at"])

    def paused_tasks(self) -> list[str]:
        paused = "SELECT task FROM task_pause WHERE resume_at IS NULL OR resume_at > now()"
        return [row["task"] for row in self.stage.ask(paused)]

    def asked(
        self,
        verb: str,
        ids: list[str],
        event: Event,
        *,
        states: set[str] | None = None,
        **inputs: Any,
    ) -> VerbResult:
        """Let a verb do its work; it must be done to exactly the jobs that are in its states."""
        self.may = {event}
        wanted = states if states is not None else set(sources(event))
        result = verbs.apply(verb, map(UUID, ids), by=BY, **inputs)
        fitting = {UUID(id_) for id_ in ids if self.before[id_]["state"] in wanted}
        assert set(result.done) == fitting
        assert len(result.done) + len(result.refused) == len(ids)
        return result

    def end_for_good(self, result: VerbResult) -> None:
        """What was acknowledged must not run again."""
        self.over |= {str(id_): self.before[str(id_)]["attempt"] for id_ in result.done}

    def begin_anew(self, ids: list[str]) -> None:
        """Somebody wants these to run again."""
        for id_ in ids:
            self.over.pop(id_, None)
