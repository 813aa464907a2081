"""What a campaign leaves behind: rows, ledger, deaths, samples."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from tests.faults.ledger import Run

RING_GRACE_S = 5.0  # the default of the setting
GRACE_S = 3.0  # after the lease: beats, the rescuer's round, a free place
SUSPECT_AFTER = 2  # crashes
WORK = "tests.faults.work"
CHAINS = "tests.faults.chains."

JOBS = """
SELECT id::text, task, args, kwargs, state, attempt, crash_count, started_at, cancel_requested_at,
       queued_at
FROM job ORDER BY id
"""
ATTEMPTS = """
SELECT job_id::text, number, outcome, worker.pid, attempt.worker_id::text, attempt.started_at,
       attempt.finished_at, late_at IS NOT NULL, error_class
FROM attempt LEFT JOIN worker ON worker.id = attempt.worker_id ORDER BY job_id, number
"""
LETTERS = "SELECT job_id::text, error_class FROM dead_letter ORDER BY id"
UP_SINCE_S = "SELECT date_part('epoch', clock_timestamp() - pg_postmaster_start_time())"


class JobRow(NamedTuple):
    """A job's row at the end."""

    id: str
    task: str
    args: list[Any]
    kwargs: dict[str, Any]
    state: str
    attempt: int
    crash_count: int
    started_at: datetime | None
    stop_asked_at: datetime | None = None
    queued_at: datetime | None = None

    @property
    def was_stopped(self) -> bool:
        """Whether it ended because somebody had asked it to."""
        return self.stop_asked_at is not None and self.state == "cancelled"

    @property
    def expected_state(self) -> str:
        """Where a job of this kind must end, whatever was done to its servers."""
        if self.was_stopped:
            return "cancelled"
        may_end = self.task == f"{WORK}.work" or self.task.startswith(CHAINS)
        return "completed" if may_end and self.kwargs.get("failures", 0) < 2 else "failed"


class AttemptRow(NamedTuple):
    """An earlier attempt's row at the end."""

    job_id: str
    number: int
    outcome: str
    pid: int | None
    worker_id: str | None
    started_at: datetime | None
    finished_at: datetime
    is_late: bool
    error_class: str | None


class FireRow(NamedTuple):
    """What became of a due time of a schedule; `place` counts its due times from 0."""

    schedule: str
    place: int
    state: str
    job_id: str | None


class FiredRow(NamedTuple):
    """A due time of a schedule that made a job."""

    schedule: str
    at: datetime


class Recovery(NamedTuple):
    """How long a job that a dead or frozen consumer held waited until it ran again."""

    job_id: str
    pid: int
    seconds: float
    allowed_s: float


FIRES = """
SELECT name, extract(epoch FROM fire_at - starts_at)::int, fire.state, job_id::text
FROM schedule_fire AS fire JOIN schedule ON schedule.id = schedule_id ORDER BY 1, 2
"""

FIRED = """
SELECT name, fire_at FROM schedule_fire AS fire JOIN schedule ON schedule.id = schedule_id
WHERE fire.state = 'fired' ORDER BY 1, 2
"""


@dataclass
class Evidence:
    """All that the verdict is made of; times in monotonic ns."""

    lease_s: float
    runs: dict[str, list[Run]]
    deaths: dict[int, int]
    lives: list[tuple[int, int]]
    frozen: dict[int, list[int]]
    cut_off: dict[int, list[int]]
    consumer_faults: list[str]
    accepted: set[str]
    accepted_count: int
    samples: list[int]
    answers: Counter[tuple[str, str]]
    client_faults: list[str]
    promised: dict[str, dict[str, int]] = field(default_factory=dict)  # by verb: job -> when, ns
    jobs: list[JobRow] = field(default_factory=list)
    attempts: list[AttemptRow] = field(default_factory=list)
    letters: list[tuple[str, str]] = field(default_factory=list)
    fires: list[FireRow] = field(default_factory=list)
    fired_at: list[FiredRow] = field(default_factory=list)
    postgres_up_ns: int = 0
    clock_ns: int = 0  # from monotonic time to the time of day
    said: list[tuple[str, str]] = field(
        default_factory=list
    )  # level and message, WARNING and above
    slowness: float = 1.0  # of the machine, against a quiet one

    def may_be_cancelled(self, job_id: str) -> bool:
        """Whether an operator was told that this job is over."""
        return any(job_id in jobs for jobs in self.promised.values())

    def read_rows(self, connection: Any) -> None:
        """Take in what PostgreSQL has."""
        with connection.cursor() as cursor:
            cursor.execute(UP_SINCE_S)
            self.postgres_up_ns = time.monotonic_ns() - int(cursor.fetchone()[0] * 1e9)
            self.clock_ns = time.time_ns() - time.monotonic_ns()
            self.jobs = [JobRow._make(row) for row in _rows(cursor, JOBS)]
            self.attempts = [AttemptRow._make(row) for row in _rows(cursor, ATTEMPTS)]
            self.letters = list(_rows(cursor, LETTERS))
            self.fires = [FireRow._make(row) for row in _rows(cursor, FIRES)]
            self.fired_at = [FiredRow._make(row) for row in _rows(cursor, FIRED)]

    def write(self, path: Path) -> None:
        """Keep everything for whoever looks for the reason."""
        runs = [run for runs in self.runs.values() for run in runs]
        parts = (self.jobs, self.attempts, self.letters, runs, self.lost.items(), self.recoveries)
        path.write_text("\n".join(str(item) for part in parts for item in part), "utf-8")

    @cached_property
    def lost(self) -> dict[int, list[int]]:
        """Consumers that PostgreSQL did not hear of for a time or any more, and since when."""
        deaths = {pid: [death_ns] for pid, death_ns in self.deaths.items()}
        return self.cut_off | self.frozen | deaths

    @cached_property
    def outcomes(self) -> dict[tuple[str, int], AttemptRow]:
        """The attempts that are over and were followed by another, by job and number."""
        return {(row.job_id, row.number): row for row in self.attempts}

    @property
    def crashed(self) -> list[AttemptRow]:
        """The attempts that were taken from a worker."""
        return [row for row in self.attempts if row.outcome == "crashed"]

    @cached_property
    def ended_again(self) -> dict[str, list[Run]]:
        """Jobs whose function came to its end more than once, with those runs."""
        ended = {id_: [run for run in runs if run.word == "end"] for id_, runs in self.runs.items()}
        return {id_: runs for id_, runs in ended.items() if len(runs) > 1}

    @property
    def completed_again(self) -> int:
        """How many completed runs there were beyond the first of each job."""
        return sum(len(runs) - 1 for runs in self.ended_again.values())

    @cached_property
    def recoveries(self) -> list[Recovery]:
        """For each attempt that was taken from a consumer: when its job ran again."""
        return list(self._recoveries())

    def _recoveries(self) -> Iterator[Recovery]:
        crashes: Counter[str] = Counter()
        for row in self.crashed:
            crashes[row.job_id] += 1
            if crashes[row.job_id] >= SUSPECT_AFTER:  # it waits for a turn to run alone
                continue
            started_at = self._started_at.get((row.job_id, row.number + 1))
            if started_at is None:
                continue
            started_ns = self._ns(started_at)
            lost = [ns for ns in self.lost.get(row.pid or 0, []) if ns < started_ns]
            if not lost:
                continue
            lost_ns = max(lost)
            allowed_s = self._allowed_s(lost_ns, started_ns, rescued_ns=self._ns(row.finished_at))
            waited_s = (started_ns - lost_ns) / 1e9
            yield Recovery(row.job_id, row.pid or 0, waited_s, allowed_s)

    @cached_property
    def _started_at(self) -> dict[tuple[str, int], datetime | None]:
        """When each attempt was started, by job and number."""
        last = {(job.id, job.attempt): job.started_at for job in self.jobs}
        return last | {(row.job_id, row.number): row.started_at for row in self.attempts}

    def _allowed_s(self, lost_ns: int, started_ns: int, *, rescued_ns: int) -> float:
        """A lease and GRACE_S, not counting the time in which no consumer ran.

        Nobody is given up before PostgreSQL has been up for one and a half leases. A rescuer that
        dies between its commit and its bell leaves the bell to others, after their grace time.
        """
        settled_s = (self.postgres_up_ns - lost_ns) / 1e9 + 1.5 * self.lease_s
        over_s = max(self.lease_s, settled_s)
        alone_s = self._without_consumer_s(lost_ns + int(over_s * 1e9), started_ns)
        died = sum(rescued_ns < death_ns < started_ns for death_ns in self.deaths.values())
        return over_s + GRACE_S * self.slowness + alone_s + RING_GRACE_S * died

    def _without_consumer_s(self, from_ns: int, to_ns: int) -> float:
        alone_ns = 0
        for ready_ns, ended_ns in sorted(self.lives):
            alone_ns += max(0, min(ready_ns, to_ns) - from_ns)
            from_ns = max(from_ns, ended_ns)
        return (alone_ns + max(0, to_ns - from_ns)) / 1e9

    def _ns(self, moment: datetime) -> int:
        """A time of day as monotonic ns."""
        return int(moment.timestamp() * 1e9) - self.clock_ns


def _rows(cursor: Any, sql: str) -> list[tuple[Any, ...]]:
    cursor.execute(sql)
    rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
