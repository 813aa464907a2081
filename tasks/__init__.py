"""What a task author imports: `task`, `enqueue`, `current_job`, and what Huey's users import."""

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

from tasks.engine.errors import MahaamError, TaskStopped
from tasks.engine.intake.enqueue import Enqueued, enqueue, enqueue_in_transaction, enqueue_many
from tasks.engine.own_setting import OwnSetting, setting
from tasks.engine.running.current_job import current_job
from tasks.engine.running.hooks import JobEvent, on
from tasks.engine.running.track import track
from tasks.engine.seam.decorator import (
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
