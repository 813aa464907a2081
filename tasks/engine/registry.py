"""The tasks that this process knows, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tasks.engine.task import DurableTask

tasks: dict[str, DurableTask] = {}


def add(task: DurableTask) -> None:
    """Enter a task; called as its decorator runs."""
    tasks[task.path] = task


def remove(task: DurableTask) -> None:
    """Take a task out again."""
    tasks.pop(task.path, None)


def names_queue(queue: str) -> bool:
    """Whether a task's jobs go to `queue` by default."""
    return any(task.task_class.default_queue == queue for task in tasks.values())
