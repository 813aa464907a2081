"""The signature of a task's function, checked where the call is made."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from mahaam.core.errors import ArgumentsNotFitting
from mahaam.jobs.new_job import CALL_OPTIONS, OPTION_FIELDS

# What Huey's calls and `.s()` take beside the arguments of the function.
OPTIONS = CALL_OPTIONS | {"id"}
SHAPES = 256  # of calls that are remembered for each task
BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class CallShape:
    """The signature of one task's function.

    `options` are the keywords of a call that set an option of the job: those that the function
    itself cannot take.
    """

    def __init__(self, name: str, function: Callable[..., Any], *, has_context: bool) -> None:
        self._name = name
        self._given = ("task",) if has_context else ()  # by Huey, when the job runs
        self._signature = _signature_of(function)
        self.options = OPTIONS - self._taken()
        # Whether a call fits depends on the number and the names of its arguments, never on the
        # values.
        self._bind = lru_cache(SHAPES)(self._bound)

    def check(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], *, is_whole: bool = True
    ) -> None:
        """Raise ArgumentsNotFitting when the function cannot be called so.

        A call that is not `is_whole` gets further arguments later, such as the result of the job
        before.
        """
        self._bind(len(args), tuple(kwargs), is_whole)

    def _bound(self, count: int, names: tuple[str, ...], is_whole: bool) -> None:
        if self._signature is None:
            return
        kwargs = dict.fromkeys((*names, *self._given))
        bind = self._signature.bind if is_whole else self._signature.bind_partial
        try:
            bind(*[None] * count, **kwargs)
        except TypeError as fault:
            raise ArgumentsNotFitting(
                f"{self._name} cannot be called so: {fault}.{self._hint(names)}"
            ) from None

    def _hint(self, names: tuple[str, ...]) -> str:
        odd = [name for name in names if name in JOB_OPTIONS]
        if not odd:
            return ""
        return f" Options of the job go to enqueue(task, args, kwargs, {odd[0]}=…)."

    def _taken(self) -> frozenset[str]:
        if self._signature is None:
            return frozenset()
        parameters = self._signature.parameters.values()
        if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters):
            return OPTIONS
        return frozenset(parameter.name for parameter in parameters if parameter.kind in BY_NAME)


# What `enqueue` takes and a call does not.
JOB_OPTIONS = OPTION_FIELDS.keys() - OPTIONS


def _signature_of(function: Callable[..., Any]) -> inspect.Signature | None:
    """Return the signature, or None for a function written in C that has none."""
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):
        return None
