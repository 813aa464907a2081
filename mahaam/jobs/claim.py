"""A started job, with the values of its row at the start."""

from __future__ import annotations

from typing import NamedTuple


class Claim(NamedTuple):
    """A started job. `(id, attempt, worker_id)` is the fence: every later write names it.

    Arguments and options are JSON text.
    """

    id: str
    attempt: int
    worker_id: str
    task: str
    queue: str
    priority: int
    args: str
    kwargs: str
    options: str | None
    crash_count: int
    retry_count: int
    max_retries: int
    retry_delay_s: float
    retry_backoff: float
    retry_jitter: bool
    timeout_s: float | None
    retry_delay_cap_s: float | None = None
    may_be_revoked: bool = False  # a revocation exists, of this job or of another
    wait_s: float | None = None  # time from queueing to this start

    @property
    def fence(self) -> tuple[str, int]:
        """Return the job id and the attempt, by which a worker identifies its start."""
        return self[:2]
