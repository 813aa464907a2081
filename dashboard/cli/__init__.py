"""The commands: `flask jobs`, `queue`, `demo`, `workers`, `tasks`, `deploys`, `operations`,
`schedule`, `settings`."""

from __future__ import annotations

from flask import Flask

from dashboard.cli import (  # noqa: F401
    bulk,
    changes,
    dead_letters,
    demo,
    deploys,
    job_log,
    jobs,
    monitor,
    operations,
    pauses,
    queue,
    reconcile,
    schedules,
    settings,
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
        operations.operations,
        schedules.schedules,
        settings.settings,
    ):
        app.cli.add_command(group)
