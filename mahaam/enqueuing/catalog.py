"""The tasks that can be enqueued: the bundled ones and those of TASK_MODULES."""

from __future__ import annotations

import importlib
import importlib.util
from functools import cache

from mahaam.config import ConfigurationFault, get_settings
from mahaam.core.errors import UnknownTask
from mahaam.enqueuing import known_queues
from mahaam.jobs import task_registry
from mahaam.jobs.task_card import TaskCard
from mahaam.jobs.task_registry import RegisteredTask

OWN = ("mahaam.alerts.tasks",)
BUNDLED = ("tasks.demo", "tasks.failures")  # an application that installs Mahaam may lack them


@cache
def load() -> None:
    """Import every module with tasks. Raises ConfigurationFault for one that cannot be imported."""
    bundled = [name for name in BUNDLED if _is_there(name)]
    for name in (*OWN, *bundled, *get_settings().task_modules):
        try:
            importlib.import_module(name)
        except Exception as fault:
            raise ConfigurationFault(
                f"TASK_MODULES names {name}, which cannot be imported: {type(fault).__name__}: {fault}"
            ) from fault


def _is_there(module: str) -> bool:
    """Return True if a bundled module can be imported. Another package of the name `tasks` lacks it."""
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        return False
    return spec is not None


def find_task(name: str) -> RegisteredTask:
    """Return the registered task of that name. Raises UnknownTask."""
    load()
    try:
        return task_registry.tasks[task_registry.current_name(name)]
    except KeyError:
        near = ", ".join(sorted(task_registry.tasks)[:12])
        raise UnknownTask(
            f"There is no task {name!r}. Is its module in TASK_MODULES? Known: {near}."
        ) from None


def find(name: str) -> TaskCard:
    """Return the card of the registered task of that name. Raises UnknownTask."""
    return find_task(name).card


def spelling(name: str) -> str | None:
    """Return a task with its parameters, as source code shows it; None for an unknown task."""
    load()
    known = task_registry.find(name)
    return f"{name}{known.card.spelling}" if known else None


def all_tasks() -> list[TaskCard]:
    """Return the cards of all registered tasks, by name."""
    load()
    return [task_registry.tasks[name].card for name in sorted(task_registry.tasks)]


def declare_queues() -> None:
    """Add the queues that tasks name to the table."""
    known_queues.declare(card.job.queue for card in all_tasks())
