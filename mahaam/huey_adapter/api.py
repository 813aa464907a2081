"""The one Huey of this product, and the `@task` that registers functions with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

from mahaam.config import get_settings
from mahaam.core.errors import OptionNotValid
from mahaam.huey_adapter.durable_huey import MahaamHuey
from mahaam.huey_adapter.tasks.task import DurableTask, TaskFunction
from mahaam.schedules.rules import declared

huey = MahaamHuey(store_none=True, store_intermediate_errors=None)


class TaskDecorator:
    """`@task`, `@task.every(minutes=5)`, `@task.cron("0 2 * * *")`."""

    @overload
    def __call__(self, function: TaskFunction, /) -> DurableTask: ...
    @overload
    def __call__(self, **options: Any) -> Callable[[TaskFunction], DurableTask]: ...
    def __call__(self, *functions: Any, **options: Any) -> Any:
        """Make a task of a function: `@task` or `@task(queue="emails", max_retries=5)`.

        Options: those of its jobs, which docs/tasks.md lists (`queue`, `priority`, `max_retries`,
        `retry_delay`, `timeout`, …); `name`, `context`, `cpu_bound`, and `masked` (names of
        arguments that nobody may see, besides password, token and the like). Options that are not
        given come from the settings (`huey.task` has Huey's own defaults). `aliases` are former
        names of the task, under which older jobs and schedules still find it. Raises
        OptionNotValid.
        """
        decorate = huey.task(**_completed(options))
        return decorate(*functions) if functions else decorate

    def every(self, **options: Any) -> Callable[[TaskFunction | DurableTask], DurableTask]:
        """Run a task every so many `seconds`, `minutes`, `hours`, `days`, `weeks` (added up).

        Further options of the schedule: `schedule` (its name; else the task's), `kwargs`, `missed`
        (skip, once, all), `missed_limit`, `overlap` (allow, skip, queue); the rest are the task's.
        On a function that is already a task, it adds another schedule. Raises OptionNotValid.
        """
        lengths = {unit: options.pop(unit) for unit in declared.UNITS_S if unit in options}
        return self._scheduled({"kind": "interval", "every_s": declared.every_s(lengths)}, options)

    def cron(
        self, expression: str, *, timezone: str = "UTC", **options: Any
    ) -> Callable[[TaskFunction | DurableTask], DurableTask]:
        """Run a task at the times of `expression`: five fields, or @daily and the like.

        Options as for `every`. Raises OptionNotValid.
        """
        return self._scheduled({"kind": "cron", "cron": expression, "timezone": timezone}, options)

    def _scheduled(
        self, when: dict[str, Any], options: dict[str, Any]
    ) -> Callable[[TaskFunction | DurableTask], DurableTask]:
        name = options.pop("schedule", None)
        how = {option: options.pop(option) for option in OF_SCHEDULES if option in options}

        def decorate(function: TaskFunction | DurableTask) -> DurableTask:
            if isinstance(function, DurableTask):
                declared.add(name, function.path, **how, **when)
                return function
            made = self(**options)(function)
            try:
                declared.add(name, made.path, **how, **when)
            except OptionNotValid:
                made.unregister()
                raise
            return made

        return decorate


OF_SCHEDULES = ("kwargs", "missed", "missed_limit", "overlap")
task = TaskDecorator()


# The attributes that a Huey application takes from its Huey, under the same names.
periodic_task = huey.periodic_task
lock_task = huey.lock_task
rate_limit = huey.rate_limit
signal = huey.signal
pre_execute = huey.pre_execute
post_execute = huey.post_execute
on_startup = huey.on_startup
on_shutdown = huey.on_shutdown


def _completed(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a task, with the settings for those that are not given."""
    settings = get_settings()
    given = {name: value for name, value in options.items() if value is not None}
    retries = given.pop("retries", settings.default_max_retries)
    return {
        "retries": given.pop("max_retries", retries),
        "retry_delay": settings.default_retry_delay_s,
        "retry_backoff": settings.default_retry_backoff,
        "retry_jitter": settings.retry_jitter,
    } | given
