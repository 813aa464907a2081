"""The commands: `flask jobs`, `queue`, `demo`, `workers`, `tasks`, `deploys`."""

from __future__ import annotations

from flask import Flask

from dashboard.cli import (  # noqa: F401
    changes,
    dead_letters,
    demo,
    deploys,
    job_log,
    jobs,
    monitor,
    pauses,
    queue,
    workers,
)


def register(app: Flask) -> None:
    """Add every group to the `flask` command."""
    for group in (
        jobs.jobs,
        queue.queue,
        demo.demo,
        workers.workers,
        pauses.tasks,
        deploys.deploys,
    ):
        app.cli.add_command(group)
