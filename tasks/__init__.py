"""What a task author imports: `task`, `enqueue`, `current_job` and their kin."""

from tasks.engine.current_job import current_job
from tasks.engine.decorator import huey, task
from tasks.engine.enqueue import Enqueued, enqueue, enqueue_in_transaction, enqueue_many
from tasks.engine.errors import MahaamError, TaskStopped
from tasks.engine.hooks import JobEvent, on
from tasks.engine.track import track

__all__ = [
    "Enqueued",
    "JobEvent",
    "MahaamError",
    "TaskStopped",
    "current_job",
    "enqueue",
    "enqueue_in_transaction",
    "enqueue_many",
    "huey",
    "on",
    "task",
    "track",
]
