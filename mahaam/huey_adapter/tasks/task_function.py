"""Check of functions that become a task: any consumer must find them by module and name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from huey.exceptions import ConfigurationError

from mahaam.core.errors import OptionNotValid


class TaskNotValid(OptionNotValid, ConfigurationError):  # type: ignore[misc]  # Huey has no types
    """This function cannot be a task."""


MODULE = "Define a plain function at the top of a module and name the module in TASK_MODULES."
NEVER_RUNS = "calling it only makes {made}, and its code would never run"


def check(function: Callable[..., Any], *, may_be_local: bool) -> None:
    """Raise TaskNotValid for what no consumer could find, or what would not run when called.

    `may_be_local` allows functions inside of functions, and methods.
    """
    reason = _reason(function) or (None if may_be_local else _hidden(function))
    if reason is not None:
        raise TaskNotValid(f"{_name(function)} cannot be a task: {reason}")


def _reason(function: Any) -> str | None:
    if isinstance(function, type):
        return f"it is a class. {MODULE}"
    if not callable(function) or not isinstance(getattr(function, "__name__", None), str):
        return f"it is a {type(function).__name__}, not a function with a name. {MODULE}"
    if inspect.iscoroutinefunction(function):
        return (
            f"{NEVER_RUNS.format(made='a coroutine')}. Write `def` instead of `async def` and call "
            "asyncio.run(…) in it."
        )
    if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):
        return (
            f"{NEVER_RUNS.format(made='a generator')}. Move what yields into a function of its own and "
            "loop over it in the task."
        )
    return None


def _hidden(function: Any) -> str | None:
    """Return the reason why a consumer could not find it, if there is one."""
    path = str(getattr(function, "__qualname__", function.__name__))
    if function.__name__ == "<lambda>":
        return f"it is a lambda. {MODULE}"
    if "<locals>" in path:
        return (
            "it is made inside of another function, and consumers find tasks by module and name. "
            f"{MODULE} If a decorator has wrapped it, let that one use functools.wraps."
        )
    if "." in path:
        return (
            "it is a method, and a job has no object to call it on. Define a plain function at the "
            "top of a module, pass what is needed to find the object, such as its id, and call the "
            "method there."
        )
    if function.__module__ == "__main__":
        return (
            "it stands in __main__, the program that was started, which consumers do not import. "
            "Move it to a module of its own and name the module in TASK_MODULES."
        )
    return None


def _name(function: Any) -> str:
    name = getattr(function, "__qualname__", None)
    return name if isinstance(name, str) else type(function).__name__
