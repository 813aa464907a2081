"""Pauses of tasks."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from mahaam.postgres.database import Cursor


class TaskPauseEntry(NamedTuple):
    """A paused task, of which no job is started: by whom, why and until when."""

    task: str
    paused_at: datetime
    paused_by: str
    reason: str | None
    resume_at: datetime | None


PAUSES = """
SELECT task, paused_at, paused_by, pause_reason, resume_at FROM task_pause
WHERE resume_at IS NULL OR resume_at > now() ORDER BY task
"""


def task_pauses(cursor: Cursor) -> list[TaskPauseEntry]:
    """Return all pauses that are on."""
    cursor.execute(PAUSES)
    return [TaskPauseEntry._make(row) for row in cursor.fetchall()]
