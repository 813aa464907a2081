"""Between Huey's task messages and rows: what of a task becomes which column."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from huey.api import Task
from huey.exceptions import HueyException
from huey.registry import Message, Registry
from huey.serializer import Serializer
from huey.utils import SKIPPED, Error

from tasks.engine.arguments import dump, load, teach
from tasks.engine.errors import PayloadBroken, UnknownTask
from tasks.engine.new_job import NewJob, moment, seconds
from tasks.engine.run import Run

CHAIN = ("on_complete", "on_error")


# What Huey itself passes on as a value: the failure of a chord's member, and its absence.
teach(Error, "$error", write=lambda error: error.metadata, read=Error)
teach(type(SKIPPED), "$skipped", write=lambda _: True, read=lambda _: SKIPPED)


class JsonSerializer(Serializer):  # type: ignore[misc]  # Huey has no types
    """Huey's values as tagged JSON; nothing is ever pickled."""

    def _serialize(self, data: Any) -> bytes:
        return dump(data, what="The value").encode()

    def _deserialize(self, data: bytes) -> Any:
        return load(data.decode())


def new_job_of(task: Task, *, parent_id: str | None = None, **more: Any) -> NewJob:
    """The row that `task` asks for; `more` overrides fields of NewJob. Raises OptionNotValid."""
    kind = type(task)
    fields: dict[str, Any] = {
        "task": f"{kind.__module__}.{kind.__name__}",
        "queue": kind.default_queue,
        "priority": task.priority or 0,
        "max_retries": task.retries,
        "retry_delay_s": seconds("retry_delay", task.retry_delay),
        "retry_backoff": task.retry_backoff or 1,
        "retry_jitter": kind.default_retry_jitter,
        "eta": _utc(task.eta),
        "expires_at": _utc(task.expires_resolved),
        "timeout_s": seconds("timeout", task.timeout),
        "tags": kind.default_tags,
        "options": _options(task),
        "parent_id": parent_id,
    }
    return NewJob(**{**fields, **more})


def task_of(registry: Registry, run: Run) -> Task:
    """The task of a started job, ready for Huey. Raises UnknownTask, PayloadBroken."""
    claim = run.claim
    kind = _registered(registry, claim.task)
    args, kwargs = load(claim.args), load(claim.kwargs)
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        raise PayloadBroken("The arguments in the row are not a list and an object.")
    run.options = load(claim.options) if claim.options else {}
    chain = {name: _task_from(registry, run.options[name]) for name in CHAIN if name in run.options}
    return kind(
        tuple(args),
        kwargs,
        id=claim.id,
        retries=run.remaining_retries,
        retry_delay=claim.retry_delay_s,
        retry_backoff=claim.retry_backoff,
        priority=claim.priority,
        timeout=claim.timeout_s,
        **chain,
    )


def _options(task: Task) -> str | None:
    """What rides along with a job: the tasks after it, and whether its row is kept."""
    kind = type(task)
    options: dict[str, Any] = {}
    for name in CHAIN:
        following = getattr(task, name)
        if following is not None:
            options[name] = _message(following)
    for name in ("remove_on_complete", "remove_on_fail"):
        if getattr(task, name, getattr(kind, f"default_{name}")):
            options[name] = True
    return dump(options, what="The options") if options else None


def _message(task: Task) -> dict[str, Any]:
    kind = type(task)
    fields = {
        "id": task.id,
        "name": f"{kind.__module__}.{kind.__name__}",
        "eta": task.eta,
        "retries": task.retries,
        "retry_delay": task.retry_delay,
        "priority": task.priority,
        "args": task.args,
        "kwargs": task.kwargs,
        "expires": task.expires,
        "expires_resolved": task.expires_resolved,
        "timeout": task.timeout,
        "retry_backoff": task.retry_backoff,
    }
    for name in CHAIN:
        following = getattr(task, name)
        if following is not None:
            fields[name] = _message(following)
    return fields


def _registered(registry: Registry, name: str) -> type[Task]:
    try:
        kind: type[Task] = registry.string_to_task(name)
    except HueyException:
        raise UnknownTask(
            f"No task {name} is registered in this consumer. Is its module in TASK_MODULES?"
        ) from None
    return kind


def _task_from(registry: Registry, message: dict[str, Any]) -> Task:
    _registered(registry, message["name"])
    return registry.create_task(_nested(message))


def _nested(message: dict[str, Any]) -> Message:
    chain = {name: _nested(message[name]) for name in CHAIN if message.get(name)}
    return Message(**{**message, **chain})


def _utc(time: datetime | None) -> datetime | None:
    """Huey's times are naive UTC."""
    if time is not None and time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    return moment("eta", time)
