"""The commands: `flask jobs`, `queue`, `demo`, `workers`, `tasks`, `deploys`, `operations`,
`schedule`, `errors`, `alerts`, `settings`."""

from __future__ import annotations

from flask import Flask

from . import (  # noqa: F401
    bulk,
    dead_letters,
    deploys,
    direct,
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
from .demo import commands


def register(app: Flask) -> None:
    """Add every group to the `flask` command."""
    for group in (
        jobs.jobs,
        queue.queue,
        commands.demo,
        workers.workers,
        pauses.tasks,
        deploys.deploys,
        operations.operations,
        schedules.schedules,
        direct.errors,
        direct.alerts,
        settings.settings,
    ):
        app.cli.add_command(group)
