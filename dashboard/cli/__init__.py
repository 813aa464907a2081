"""The commands: `flask jobs`, `flask queue`, `flask demo`."""

from __future__ import annotations

from flask import Flask

from dashboard.cli import dead_letters, demo, job_log, jobs, monitor, queue, stop  # noqa: F401


def register(app: Flask) -> None:
    """Add every group to the `flask` command."""
    for group in (jobs.jobs, queue.queue, demo.demo):
        app.cli.add_command(group)
