"""A task: a function that can be enqueued, with the options its jobs have by default."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from huey.api import PeriodicTask, Task, TaskWrapper
from huey.utils import Error

from mahaam.core.ids import new_id
from mahaam.huey_adapter.tasks.call_shape import CallShape
from mahaam.huey_adapter.tasks.message import new_job_of
from mahaam.jobs import job_message, task_registry
from mahaam.jobs.job_option import moment, seconds
from mahaam.jobs.new_job import OWN_CALL_OPTIONS, NewJob
from mahaam.jobs.task_card import TaskCard
from mahaam.run import fork, return_value
from mahaam.schedules.rules import declared


class JobTask(Task):  # type: ignore[misc]  # Huey has no types
    """Huey's task message, with our id and the queue; the class of every registered task."""

    default_queue = "default"
    default_retry_jitter = True
    default_tags: tuple[str, ...] | None = None
    default_remove_on_complete = False
    default_remove_on_fail = False
    cpu_bound = False  # runs in a process of its own
    masked: tuple[str, ...] = ()  # further names of arguments that are secret
    aliases: tuple[str, ...] = ()  # former names of the task, which older rows have
    shape: CallShape  # the signature of its function

    # Fields of NewJob, from its options, once they were needed.
    usual_fields: dict[str, Any] | None = None
    usual_job: Any = None  # the NewJob of a call without options, once there was one
    run: Any = None  # the attempt, once it is started
    is_known = False  # its job exists
    is_late = False  # and past its expiry

    def create_id(self) -> str:
        """Return a time-ordered id, so that equal priorities run first in, first out."""
        return new_id()


class PeriodicJobTask(JobTask, PeriodicTask):  # type: ignore[misc]
    """A task that is enqueued at times of its own."""


class DurableTask(TaskWrapper):  # type: ignore[misc]
    """The result of `@task` on a function: call it to enqueue, `call_local` to run it here."""

    task_base = JobTask

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        task_registry.add(self)

    def create_task(self, *args: Any, **settings: Any) -> type[Task]:
        """Return the class of the function's messages; those of CPU-bound tasks find their process."""
        kind: type[Task] = super().create_task(*args, **settings)
        kind.shape = CallShape(
            f"{kind.__module__}.{kind.__name__}", self.func, has_context=self.context
        )
        kind.execute = _whole(kind.execute)
        if kind.cpu_bound:
            kind.execute = _elsewhere(kind.execute)
        return kind

    def s(self, *args: Any, **kwargs: Any) -> Task:
        """Return a message: the call, and the options of its job that are no arguments of the function.

        Raises ArgumentsNotFitting for a call that the function cannot take, however it is
        completed.
        """
        shape = self.task_class.shape
        options = {name: kwargs.pop(name) for name in shape.options & kwargs.keys()}
        own = {name: options.pop(name) for name in OWN_CALL_OPTIONS & options.keys()}
        shape.check(args, kwargs, is_whole=False)
        message = super().s(*args, **options)
        vars(message).update(own)
        message.kwargs = kwargs
        return message

    def unregister(self) -> bool:
        """Unregister the task; its rows stay."""
        task_registry.remove(self)
        declared.remove_of(self.path)
        return bool(super().unregister())

    @property
    def path(self) -> str:
        """Return the name that rows know this task by, `module.function`."""
        return str(self.huey._registry.task_to_string(self.task_class))

    @property
    def aliases(self) -> tuple[str, ...]:
        """Return former names, by which older rows know the task."""
        names: tuple[str, ...] = self.task_class.aliases
        return names

    @property
    def card(self) -> TaskCard:
        """Return what a person needs to know in order to enqueue the task."""
        return TaskCard(
            name=self.path,
            doc=inspect.getdoc(self.func) or "",
            signature=inspect.signature(self.func),
            job=job_message.usual_job(self.task_class),
            context=self.context,
        )

    @property
    def default_queue(self) -> str:
        """Return the queue of its jobs if none is given."""
        return str(self.task_class.default_queue)

    @property
    def masked(self) -> tuple[str, ...]:
        """Return the names of its arguments that are secret, besides those that always are."""
        names: tuple[str, ...] = self.task_class.masked
        return names

    @property
    def is_immediate(self) -> bool:
        """Return True if its jobs run where they are enqueued, without a row."""
        return bool(self.huey.immediate)

    def check_call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Raise ArgumentsNotFitting when the function cannot be called so."""
        self.task_class.shape.check(args, kwargs)

    def new_job(
        self,
        *,
        parent_id: str | None = None,
        expires: Any = None,
        removal: Mapping[str, bool] = MappingProxyType({}),
        **fields: Any,
    ) -> NewJob:
        """Return what its next jobs share; `fields` are those of NewJob. Raises OptionNotValid."""
        message = self.task_class(expires=expires)
        if message.expires is not None:
            fields |= _expiry(message.expires)
        for name, is_wanted in removal.items():
            setattr(message, name, is_wanted)
        return new_job_of(message, parent_id=parent_id, **fields)

    def run_at_once(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], job: NewJob
    ) -> tuple[str, bool]:
        """Run the task here, as a job of its own. Return the id, and True if it failed."""
        message = self.task_class(
            args, kwargs, retries=job.max_retries, priority=job.priority, timeout=job.timeout_s
        )
        self.huey.enqueue(message)
        return message.id, isinstance(self.huey.get(message.id, peek=True), Error)

    @property
    def __name__(self) -> str:
        return str(self.func.__name__)


def _expiry(expires: Any) -> dict[str, Any]:
    if hasattr(expires, "year"):
        return {"expires_at": moment("expires", expires)}
    return {"expires_in_s": seconds("expires", expires)}


def _whole(execute: Callable[[Task], Any]) -> Callable[[Task], Any]:
    """Wrap `execute`: fail when the task returns work that nobody would do.

    In the child of a fork the process ends with the task.
    """

    def to_its_end(task: Task) -> Any:
        try:
            value = execute(task)
        except BaseException as fault:
            if fork.is_child():
                fork.end(fault)
            raise
        if fork.is_child():
            fork.end(None)
        try:
            return_value.check(value)
        except return_value.TaskDidNotRun:
            task.retries = 0  # it would return the same again
            raise
        return value

    return to_its_end


def _elsewhere(execute: Callable[[Task], Any]) -> Callable[[Task], Any]:
    """Wrap `execute`: run a task in the process that its run holds, or here, where there is none."""

    def in_its_process(task: Task) -> Any:
        run = getattr(task, "run", None)
        if run is None or run.process is None:
            return execute(task)
        return run.process.compute(run, task)

    return in_its_process


TaskFunction = Callable[..., Any]
