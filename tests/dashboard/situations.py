"""Situations for the overview and the monitor to tell."""

from __future__ import annotations

import uuid
from typing import Any

from tests.dashboard.rows import add, ask
from tests.factory import Sql

PERIOD = """
INSERT INTO job_period (length_s, starts_at, queue, task, completed, failed, waits, wait_counts, runs,
                        run_counts, oldest_s)
VALUES (%(length_s)s, date_bin(%(length_s)s * interval '1 s', now() - %(ago_s)s * interval '1 s', 'epoch'),
        %(queue)s, %(task)s, %(completed)s, %(failed)s, %(waits)s, %(wait_counts)s, %(runs)s,
        %(run_counts)s, %(oldest_s)s)
"""
QUIET: dict[str, Any] = {
    "queue": "default",
    "task": "tasks.demo.echo",
    "completed": 0,
    "failed": 0,
    "retried": 0,
}


def a_worker(
    *queues: str, state: str = "running", silent_s: float = 0, lease_s: float = 60
) -> uuid.UUID:
    """The id of a worker that was heard of `silent_s` ago."""
    heard_at = Sql(f"now() - {silent_s} * interval '1 s'")
    id_ = add(
        "worker", host="host-1", queues=list(queues), state=state, beat_at=heard_at,
        lease_until=Sql(f"now() + {lease_s} * interval '1 s'"),
        stopped_at=heard_at if state in ("stopped", "lost") else None,
    )  # fmt: skip
    return uuid.UUID(id_)


def a_minute(*, ago_s: float, **counts: Any) -> None:
    """What ended in a minute of the past."""
    minute = Sql(f"date_trunc('minute', now() - {ago_s} * interval '1 s')")
    add("job_minute", minute=minute, **(QUIET | counts))


def a_period(*, length_s: int, ago_s: float, **figures: Any) -> None:
    """A period of everything, or of the queue and task in `figures`."""
    spread = {"waits": [], "wait_counts": [], "runs": [], "run_counts": [], "oldest_s": None}
    values = {
        "queue": "",
        "task": "",
        "completed": 0,
        "failed": 0,
        "length_s": length_s,
        "ago_s": ago_s,
    }
    ask(PERIOD, values | spread | figures)


def pause_queue(name: str, reason: str | None = None) -> None:
    """Pause a queue as somebody else did."""
    ask(
        "UPDATE queue SET paused_at = now(), paused_by = 'ann', pause_reason = %s WHERE name = %s",
        (reason, name),
    )


def pause_task(name: str, reason: str | None = None) -> None:
    """Pause a task as somebody else did."""
    add("task_pause", task=name, pause_reason=reason)
