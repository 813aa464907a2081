"""Conversion of rows and claims to Huey's tasks, and of Huey's tasks to jobs.

`job_message.py` maps options to columns.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from huey.api import Task
from huey.exceptions import HueyException
from huey.registry import Message, Registry
from huey.serializer import Serializer
from huey.utils import SKIPPED, ChordConfig, Error

from mahaam.core.errors import PayloadBroken, UnknownTask
from mahaam.core.payload import dump, load, teach
from mahaam.huey_adapter.tasks.naive_times import aware
from mahaam.jobs import job_message, task_registry
from mahaam.jobs.job_message import CHAIN, REMOVALS
from mahaam.jobs.job_option import moment
from mahaam.jobs.new_job import NewJob
from mahaam.run.run import Run

# What Huey itself passes on as a value: the failure of a chord's member, and its absence. These
# registrations replace those of `chord`, which is loaded first.
teach(Error, "$error", write=lambda error: error.metadata, read=Error)
teach(type(SKIPPED), "$skipped", write=lambda _: True, read=lambda _: SKIPPED)


class JsonSerializer(Serializer):  # type: ignore[misc]  # Huey has no types
    """Huey's values as tagged JSON; nothing is ever pickled."""

    def _serialize(self, data: Any) -> bytes:
        return dump(data, what="The value").encode()

    def _deserialize(self, data: bytes) -> Any:
        return load(data.decode())


def new_job_of(
    task: Task, *, utc: bool = True, parent_id: str | None = None, **more: Any
) -> NewJob:
    """Return the row for `task`; `more` overrides fields of NewJob. Raises OptionNotValid.

    Naive times are UTC, or local without `utc`.
    """
    if parent_id is not None or more or not job_message.is_usual(task):
        return _new_job(task, utc=utc, parent_id=parent_id, **more)
    kind = type(task)
    usual: NewJob = kind.usual_job or _new_job(task, utc=utc)
    kind.usual_job = usual
    return usual


def _new_job(task: Task, *, utc: bool, **more: Any) -> NewJob:
    fields: dict[str, Any] = {
        **job_message.fields_of(task),
        "options": job_message.kept(job_message.rides_along(task)),
        **more,
    }
    if task.eta is not None:
        fields.setdefault("eta", _instant("eta", task.eta, utc=utc))
    if task.expires_resolved is not None:
        fields.setdefault("expires_at", _instant("expires", task.expires_resolved, utc=utc))
    return NewJob(**fields)


def task_of(registry: Registry, run: Run) -> Task:
    """Return the task of a started job, ready for Huey. Raises UnknownTask, PayloadBroken."""
    claim = run.claim
    kind = _registered(registry, claim.task)
    args, kwargs = load(claim.args), load(claim.kwargs)
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        raise PayloadBroken("The arguments in the row are not a list and an object.")
    run.options = load(claim.options) if claim.options else {}
    task: Task = kind(
        tuple(args),
        kwargs,
        id=claim.id,
        retries=run.remaining_retries,
        priority=_priority(kind, claim.priority),
        **job_message.huey_options(claim),
    )
    _add_options(registry, task, run.options)
    return task


def _priority(kind: type[Task], priority: int) -> int | None:
    """Return a row's priority for Huey: None where the task has none and the row has the default."""
    return None if not priority and kind.default_priority is None else priority


def _registered(registry: Registry, name: str) -> type[Task]:
    try:
        kind: type[Task] = registry.string_to_task(task_registry.current_name(name))
    except HueyException:
        raise UnknownTask(
            f"No task {name} is registered in this consumer. Is its module in TASK_MODULES?"
        ) from None
    return kind


def task_from(registry: Registry, message: dict[str, Any]) -> Task:
    """Return a task that follows, as Huey would have read it from Redis."""
    kind = _registered(registry, message["name"])
    known = {name: message[name] for name in Message._fields if name in message}
    task = kind(**{name: known[name] for name in known.keys() - {"name", *CHAIN}})
    vars(task).update(job_message.own_options(kind, message))
    _add_options(registry, task, message)
    return task


def _add_options(registry: Registry, task: Task, options: dict[str, Any]) -> None:
    if not options:
        return
    for name in CHAIN:
        if name in options:
            setattr(task, name, task_from(registry, options[name]))
    if "chord" in options:
        task.chord_config = ChordConfig(options["chord"], None, None, None)
    for name in set(REMOVALS) & options.keys():
        setattr(task, name, True)


def _instant(name: str, time: datetime | None, *, utc: bool) -> datetime | None:
    return moment(name, time if time is None else aware(time, utc=utc))
