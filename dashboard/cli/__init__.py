"""The commands: `flask jobs`, `flask queue`, `flask demo`, `flask workers`."""

from __future__ import annotations

from flask import Flask

from dashboard.cli import (  # noqa: F401
    dead_letters,
    demo,
    job_log,
    jobs,
    monitor,
    queue,
    stop,
    workers,
)


def register(app: Flask) -> None:
    """Add every group to the `flask` command."""
    for group in (jobs.jobs, queue.queue, demo.demo, workers.workers):
        app.cli.add_command(group)
