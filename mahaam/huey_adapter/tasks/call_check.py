"""Check that all jobs of a task, a group or a chord can be called, as far as that is known before."""

from __future__ import annotations

from typing import Any

from huey.api import Task, chord, group

from mahaam.core.errors import ArgumentsNotFitting

LATER = object()  # stands for an argument that is known later


def check(what: Any) -> None:
    """Raise ArgumentsNotFitting for the first call that does not fit its function."""
    if not isinstance(what, group | chord):
        _check(what)
        return
    what.tasks = list(what.tasks)  # it may have been a generator
    for member in what.tasks:
        check(member)
    if isinstance(what, chord):
        _check(what.callback, LATER)  # the list of results


def _check(task: Task, *more: Any, is_whole: bool = True) -> None:
    shape = getattr(type(task), "shape", None)
    if shape is not None:
        if not isinstance(task.args, tuple | list) or not isinstance(task.kwargs, dict):
            raise ArgumentsNotFitting(
                f"{task.name} is called with a tuple and a dict of arguments, as in "
                f"schedule((1,), delay=60); they are {task.args!r:.100} and {task.kwargs!r:.100}."
            )
        shape.check((*task.args, *more), task.kwargs, is_whole=is_whole)
    if task.on_complete is not None:
        _check(task.on_complete, is_whole=False)  # nobody knows what its predecessor will return
    if task.on_error is not None:
        _check(task.on_error, LATER)  # the exception
