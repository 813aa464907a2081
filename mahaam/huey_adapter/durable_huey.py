"""The Huey of this product, whose messages are rows and whose outcomes are noted, not stored.

Huey runs a task exactly as its documentation says, with its hooks, signals, pipelines and
time-outs. What differs from Huey is defined here: how tasks become rows and rows tasks
(`durable_queue.py`), what is noted while one runs (`durable_runs.py`), chords, and what Huey keeps
beside the jobs (`durable_chords.py`, `durable_values.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from typing import Any

from huey.api import Task

from mahaam.config import get_settings
from mahaam.core.errors import OptionNotValid
from mahaam.huey_adapter.durable_runs import DurableRuns
from mahaam.huey_adapter.durable_values import DurableValues
from mahaam.huey_adapter.storage import DoorbellStorage
from mahaam.huey_adapter.tasks import task_function
from mahaam.huey_adapter.tasks.crontab_text import crontab_text
from mahaam.huey_adapter.tasks.message import JsonSerializer, new_job_of
from mahaam.huey_adapter.tasks.safe_call import HookTimeLimit, SafeSignal
from mahaam.huey_adapter.tasks.task import DurableTask, PeriodicJobTask
from mahaam.jobs import job_message
from mahaam.schedules.rules import declared

EXAMPLES = {"masked": '("iban",)', "aliases": '("shop.jobs.old_name",)'}


class MahaamHuey(DurableRuns, DurableValues):
    """A Huey that keeps its jobs in PostgreSQL and notifies Redis when one is to run.

    Takes Huey's options except those for where and how messages are stored.
    """

    storage_class = DoorbellStorage
    takes_local_functions = False  # consumers could not find them; Huey's own tests make such tasks

    def __init__(
        self,
        name: str = "mahaam",
        results: bool = True,
        store_none: bool = False,
        utc: bool = True,
        immediate: bool = False,
        serializer: Any = None,
        immediate_use_memory: bool = True,
        store_intermediate_errors: bool | None = True,
        **refused: Any,
    ) -> None:
        if refused or not isinstance(serializer, JsonSerializer | None):
            raise OptionNotValid(
                f"MahaamHuey takes no {', '.join(refused) or 'serializer'}: jobs are JSON in PostgreSQL, "
                "DATABASE_URL and REDIS_URL say where."
            )
        self._storage: Any = None
        self._early: bool | None = None
        super().__init__(
            name,
            results=results,
            store_none=store_none,
            utc=utc,
            immediate=immediate,
            serializer=JsonSerializer(),
            immediate_use_memory=immediate_use_memory,
            store_intermediate_errors=store_intermediate_errors,
        )
        self.patience = HookTimeLimit()
        self._signal = SafeSignal(self.patience)

    @property
    def store_intermediate_errors(self) -> bool:
        """Return True if an error is a result while there are retries left; None: as the settings say."""
        if self._early is None:
            return get_settings().store_intermediate_errors
        return self._early

    @store_intermediate_errors.setter
    def store_intermediate_errors(self, early: bool | None) -> None:
        self._early = early

    # The connection to Redis is made when it is first needed: importing tasks needs no server.

    @property
    def storage(self) -> Any:
        """Return the doorbell, with Huey's keys and values; in immediate mode, Huey's memory."""
        if self._storage is None:
            self._storage = self.get_storage(
                url=get_settings().redis_url,
                utc=self.utc,
                early=lambda: self.store_intermediate_errors,
            )
        return self._storage

    @storage.setter
    def storage(self, storage: Any) -> None:
        self._storage = storage

    def create_storage(self) -> Any:
        """Return None, except in immediate mode."""
        return (
            self.get_immediate_storage() if self._immediate and self.immediate_use_memory else None
        )

    def get_task_wrapper_class(self) -> type[DurableTask]:
        """Return the class that `@task` makes."""
        return DurableTask

    def task(
        self,
        retries: int = 0,
        retry_delay: float = 0,
        retry_backoff: float = 0,
        priority: int | None = None,
        context: bool = False,
        name: str | None = None,
        expires: Any = None,
        timeout: float | None = None,
        *,
        retry_jitter: bool = False,
        remove_on_complete: bool = False,
        remove_on_fail: bool = False,
        cpu_bound: bool = False,
        masked: tuple[str, ...] = (),
        aliases: tuple[str, ...] = (),
        **settings: Any,
    ) -> Callable[[Callable[..., Any]], DurableTask]:
        """Make a task of a function, with Huey's own defaults: no retries, delays in seconds.

        `settings` are further options of jobs (docs/tasks.md), and options of Huey.
        """
        decorate = super().task(
            retries=retries,
            retry_delay=retry_delay,
            retry_backoff=retry_backoff,
            priority=priority,
            context=context,
            name=name,
            expires=expires,
            timeout=timeout,
            default_retry_jitter=retry_jitter,
            default_remove_on_complete=remove_on_complete,
            default_remove_on_fail=remove_on_fail,
            cpu_bound=cpu_bound,
            masked=_names("masked", masked),
            aliases=_names("aliases", aliases),
            **job_message.defaults(settings),
        )

        def sound(function: Callable[..., Any]) -> DurableTask:
            plain = function.func if isinstance(function, DurableTask) else function
            task_function.check(plain, may_be_local=self.takes_local_functions)
            made: DurableTask = decorate(function)
            try:
                new_job_of(made.task_class())
            except OptionNotValid:
                made.unregister()
                raise
            return made

        return sound

    def periodic_task(
        self, validate_datetime: Callable[[datetime], bool], **options: Any
    ) -> Callable[[Callable[..., Any]], DurableTask]:
        """Make a task that is enqueued in each minute for which `validate_datetime` returns True."""

        def validate(_task: Task, timestamp: datetime) -> bool:
            return validate_datetime(timestamp)

        make = self.task(**options, validate_datetime=validate, task_base=PeriodicJobTask)
        expression = crontab_text(validate_datetime) if self.utc else None
        if expression is None:
            return make

        def scheduled(function: Callable[..., Any]) -> DurableTask:
            made = make(function)
            declared.add(None, made.path, kind="cron", cron=expression, missed="skip")
            return made

        return scheduled

    def create_consumer(self, **options: Any) -> Any:
        """Return the consumer for Huey's options. Raises OptionNotValid for options that it cannot serve."""
        # Imported here, because the consumer stands above this layer.
        return import_module("mahaam.consumer.consumer").from_huey_options(self, options)


def _names(option: str, given: Any) -> tuple[str, ...]:
    """Return the names of an option such as `masked=`. Raises OptionNotValid."""
    names = tuple(given) if isinstance(given, list | tuple | set | frozenset) else None
    if names is None or not all(isinstance(name, str) and name for name in names):
        raise OptionNotValid(
            f"{option} must be names, such as {EXAMPLES[option]}; it is {given!r}."
        )
    return names
