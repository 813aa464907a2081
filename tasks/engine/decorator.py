"""The one Huey of this product, and the `@task` that registers functions with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

from tasks.engine.seam import MahaamHuey
from tasks.engine.task import DurableTask, TaskFunction

huey = MahaamHuey()


@overload
def task(function: TaskFunction, /) -> DurableTask: ...
@overload
def task(**options: Any) -> Callable[[TaskFunction], DurableTask]: ...
def task(function: TaskFunction | None = None, /, **options: Any) -> Any:
    """Make a task of a function: `@task` or `@task(queue="emails", max_retries=5)`.

    Options: `queue`, `max_retries`, `retry_delay` (seconds), `retry_backoff` (factor),
    `retry_jitter`, `timeout` (seconds), `priority`, `expires`, `tags`, `context`, `name`,
    `remove_on_complete`, `remove_on_fail`, `cpu_bound`. Raises OptionNotValid.
    """
    decorate = huey.task(**options)
    return decorate(function) if function is not None else decorate
