"""Log lines and progress of running jobs, on their way to the tables."""

from __future__ import annotations

from typing import NamedTuple

from mahaam.jobs.claim import Claim


class LogLine(NamedTuple):
    """A log line: its monotonic time, its level as in `logging`, its logger (None: the job itself)."""

    job_id: str
    attempt: int
    number: int
    said_at: float
    level: int
    logger: str | None
    message: str


class ProgressUpdate(NamedTuple):
    """The progress of an attempt, in percent and as text."""

    claim: Claim
    percent: int
    words: str | None
