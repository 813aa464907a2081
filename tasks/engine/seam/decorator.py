"""The one Huey of this product, and the `@task` that registers functions with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

from config import get_settings
from tasks.engine.seam.huey import MahaamHuey
from tasks.engine.task import DurableTask, TaskFunction

huey = MahaamHuey(store_none=True, store_intermediate_errors=None)


@overload
def task(function: TaskFunction, /) -> DurableTask: ...
@overload
def task(**options: Any) -> Callable[[TaskFunction], DurableTask]: ...
def task(function: TaskFunction | None = None, /, **options: Any) -> Any:
    """Make a task of a function: `@task` or `@task(queue="emails", max_retries=5)`.

    Options: `queue`, `max_retries`, `retry_delay` (seconds), `retry_backoff` (factor),
    `retry_jitter`, `timeout` (seconds), `priority`, `expires`, `tags`, `context`, `name`,
    `remove_on_complete`, `remove_on_fail`, `cpu_bound`, `masked` (names of arguments that nobody may
    see, besides password, token and their like). What is not given comes from the settings
    (`huey.task` has Huey's own defaults). Raises OptionNotValid.
    """
    decorate = huey.task(**_completed(options))
    return decorate(function) if function is not None else decorate


# What a Huey application takes from its Huey, under the same names.
periodic_task = huey.periodic_task
lock_task = huey.lock_task
rate_limit = huey.rate_limit
signal = huey.signal
pre_execute = huey.pre_execute
post_execute = huey.post_execute
on_startup = huey.on_startup
on_shutdown = huey.on_shutdown


def _completed(options: dict[str, Any]) -> dict[str, Any]:
    """Options of a task with the settings in the place of what is not given."""
    settings = get_settings()
    given = {name: value for name, value in options.items() if value is not None}
    retries = given.pop("retries", settings.default_max_retries)
    return {
        "retries": given.pop("max_retries", retries),
        "retry_delay": settings.default_retry_delay_s,
        "retry_backoff": settings.default_retry_backoff,
        "retry_jitter": settings.retry_jitter,
    } | given
