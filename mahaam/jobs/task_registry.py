"""The tasks that this process knows, by name, and the protocol that each fulfils."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

from mahaam.jobs.new_job import NewJob
from mahaam.jobs.task_card import TaskCard


class RegisteredTask(Protocol):
    """A function that can be enqueued; the adapter to Huey makes these objects."""

    func: Callable[..., Any]

    @property
    def path(self) -> str:
        """Return its name in rows, `module.function`."""

    @property
    def aliases(self) -> tuple[str, ...]:
        """Return its former names, which older rows have."""

    @property
    def card(self) -> TaskCard:
        """Return the description that a person needs in order to enqueue it."""

    @property
    def default_queue(self) -> str:
        """Return the default queue of its jobs."""

    @property
    def masked(self) -> tuple[str, ...]:
        """Return the names of its secret arguments, besides those that are always secret."""

    @property
    def is_immediate(self) -> bool:
        """Return True if its jobs run in the enqueuing process, without a row."""

    def check_call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Raise ArgumentsNotFitting if the function cannot take the arguments."""

    def new_job(
        self,
        *,
        parent_id: str | None = None,
        expires: Any = None,
        removal: Mapping[str, bool] = MappingProxyType({}),
        **fields: Any,
    ) -> NewJob:
        """Return a NewJob for its jobs; `fields` are those of NewJob. Raises OptionNotValid."""

    def run_at_once(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], job: NewJob
    ) -> tuple[str, bool]:
        """Run the task in this process, as a job of its own. Return the id and True if it failed."""


tasks: dict[str, RegisteredTask] = {}
current_names: dict[str, str] = {}  # former name -> name


def add(task: RegisteredTask) -> None:
    """Register a task. Called when its decorator runs."""
    tasks[task.path] = task
    current_names.update(dict.fromkeys(task.aliases, task.path))


def remove(task: RegisteredTask) -> None:
    """Remove a task from the registry."""
    tasks.pop(task.path, None)
    for alias in task.aliases:
        current_names.pop(alias, None)


def current_name(name: str) -> str:
    """Return the current name for a task's name or former name."""
    return name if name in tasks else current_names.get(name, name)


def find(name: str | None) -> RegisteredTask | None:
    """Return the task of a name or former name; None for one that this process does not know."""
    return tasks.get(current_name(name)) if name else None


def known_names() -> list[str]:
    """Return every name whose jobs this process can run, former names included, sorted."""
    return sorted({*tasks, *current_names})


def names_queue(queue: str) -> bool:
    """Return True if `queue` is the default queue of a task."""
    return any(task.default_queue == queue for task in tasks.values())
