"""The tasks that this process knows, by name, and what the engine asks of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

from mahaam.jobs.new_job import NewJob
from mahaam.jobs.task_card import TaskCard


class RegisteredTask(Protocol):
    """A function that can be enqueued; the adapter to Huey makes them."""

    func: Callable[..., Any]

    @property
    def path(self) -> str:
        """The name that rows know it by, `module.function`."""

    @property
    def aliases(self) -> tuple[str, ...]:
        """Former names, by which older rows know it."""

    @property
    def card(self) -> TaskCard:
        """What a person needs to know in order to enqueue it."""

    @property
    def default_queue(self) -> str:
        """Where its jobs go if nothing else is said."""

    @property
    def masked(self) -> tuple[str, ...]:
        """The names of its arguments that are secret, besides those that always are."""

    @property
    def is_immediate(self) -> bool:
        """Whether its jobs run where they are enqueued, without a row."""

    def check_call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Raise ArgumentsNotFitting when the function cannot be called so."""

    def new_job(
        self,
        *,
        parent_id: str | None = None,
        expires: Any = None,
        removal: Mapping[str, bool] = MappingProxyType({}),
        **fields: Any,
    ) -> NewJob:
        """Return what its next jobs share; `fields` are those of NewJob. Raises OptionNotValid."""

    def run_at_once(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], job: NewJob
    ) -> tuple[str, bool]:
        """Run it here, as a job of its own; returns the id, and whether it failed."""


tasks: dict[str, RegisteredTask] = {}
current_names: dict[str, str] = {}  # former name -> name


def add(task: RegisteredTask) -> None:
    """Enter a task; called as its decorator runs."""
    tasks[task.path] = task
    current_names.update(dict.fromkeys(task.aliases, task.path))


def remove(task: RegisteredTask) -> None:
    """Take a task out again."""
    tasks.pop(task.path, None)
    for alias in task.aliases:
        current_names.pop(alias, None)


def current_name(name: str) -> str:
    """Return the name of today for a task's name or former name."""
    return name if name in tasks else current_names.get(name, name)


def find(name: str | None) -> RegisteredTask | None:
    """Return the task of a name or former name; None for one that this process does not know."""
    return tasks.get(current_name(name)) if name else None


def known_names() -> list[str]:
    """Return every name whose jobs this process can run, former ones included, in order."""
    return sorted({*tasks, *current_names})


def names_queue(queue: str) -> bool:
    """Whether a task's jobs go to `queue` by default."""
    return any(task.default_queue == queue for task in tasks.values())
