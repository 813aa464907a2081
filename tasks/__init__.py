"""What a task author imports: `task`, `enqueue`, `current_job` and their kin."""

from tasks.engine.current_job import current_job
from tasks.engine.decorator import huey, task
from tasks.engine.enqueue import Enqueued, enqueue, enqueue_in_transaction, enqueue_many
from tasks.engine.errors import MahaamError, TaskStopped

__all__ = [
    "Enqueued",
    "MahaamError",
    "TaskStopped",
    "current_job",
    "enqueue",
    "enqueue_in_transaction",
    "enqueue_many",
    "huey",
    "task",
]
