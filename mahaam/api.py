"""The names that a task author imports: `task`, `enqueue`, `current_job`, and those of Huey's users."""

from huey import crontab
from huey.api import chord, group
from huey.exceptions import (
    CancelExecution,
    RateLimitExceeded,
    ResultTimeout,
    RetryTask,
    TaskException,
    TaskLockedException,
    TaskTimeout,
)

from mahaam.core.errors import MahaamError, TaskStopped
from mahaam.enqueuing.enqueue import Enqueued, enqueue, enqueue_in_transaction, enqueue_many
from mahaam.huey_adapter.api import (
    huey,
    lock_task,
    on_shutdown,
    on_startup,
    periodic_task,
    post_execute,
    pre_execute,
    rate_limit,
    signal,
    task,
)
from mahaam.run.current_job import current_job
from mahaam.run.hooks import JobEvent, on
from mahaam.run.progress_bar import track
from mahaam.settings.declare import OwnSetting, setting

__all__ = [
    "CancelExecution",
    "Enqueued",
    "JobEvent",
    "MahaamError",
    "OwnSetting",
    "RateLimitExceeded",
    "ResultTimeout",
    "RetryTask",
    "TaskException",
    "TaskLockedException",
    "TaskStopped",
    "TaskTimeout",
    "chord",
    "crontab",
    "current_job",
    "enqueue",
    "enqueue_in_transaction",
    "enqueue_many",
    "group",
    "huey",
    "lock_task",
    "on",
    "on_shutdown",
    "on_startup",
    "periodic_task",
    "post_execute",
    "pre_execute",
    "rate_limit",
    "setting",
    "signal",
    "task",
    "track",
]
