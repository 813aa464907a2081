"""Situations for the overview and the monitor to tell."""

from __future__ import annotations

import uuid
from typing import Any

from tests.dashboard.rows import ask

WORKER = """
INSERT INTO worker (id, host, pid, version, queues, greenlets, state, lease_until, beat_at, stopped_at)
VALUES (%(id)s, %(host)s, 42, '0.1.0', %(queues)s, 4, %(state)s,
        now() + %(lease_s)s * interval '1 s', now() - %(silent_s)s * interval '1 s',
        CASE WHEN %(state)s IN ('stopped', 'lost') THEN now() - %(silent_s)s * interval '1 s' END)
"""
MINUTE = """
INSERT INTO job_minute (minute, queue, task, worker_id, completed, failed, retried)
VALUES (date_trunc('minute', now() - %(ago_s)s * interval '1 s'), %(queue)s, %(task)s,
        gen_random_uuid(), %(completed)s, %(failed)s, %(retried)s)
"""
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
    id_ = uuid.uuid4()
    values = {"id": str(id_), "host": "host-1", "queues": list(queues), "state": state}
    ask(WORKER, values | {"silent_s": silent_s, "lease_s": lease_s})
    return id_


def a_minute(*, ago_s: float, **counts: Any) -> None:
    """What ended in a minute of the past."""
    ask(MINUTE, QUIET | {"ago_s": ago_s} | counts)


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
    ask(
        "INSERT INTO task_pause (task, paused_by, pause_reason) VALUES (%s, 'ann', %s)",
        (name, reason),
    )
