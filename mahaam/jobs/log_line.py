"""What a running job said of itself, on its way to the tables: a line of its log, its progress."""

from __future__ import annotations

from typing import NamedTuple

from mahaam.jobs.claim import Claim


class LogLine(NamedTuple):
    """One line: when by the monotonic clock, how serious as `logging` counts, who (None: the job)."""

    job_id: str
    attempt: int
    number: int
    said_at: float
    level: int
    logger: str | None
    message: str


class ProgressUpdate(NamedTuple):
    """How far an attempt is, in percent, and in words."""

    claim: Claim
    percent: int
    words: str | None
