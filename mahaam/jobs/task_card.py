"""The description of a task that a person needs in order to enqueue it."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

from mahaam.jobs.new_job import NewJob


@dataclass(frozen=True, slots=True)
class TaskCard:
    """A registered task as lists and forms show it; `job` has the options of its jobs."""

    name: str
    doc: str
    signature: inspect.Signature
    job: NewJob
    context: bool = False

    @property
    def spelling(self) -> str:
        """Return its parameters as in the source code; annotations may be unevaluated strings."""
        plain = [
            parameter.replace(annotation=_as_written(parameter.annotation))
            for parameter in self.signature.parameters.values()
        ]
        answer = _as_written(self.signature.return_annotation)
        return str(self.signature.replace(parameters=plain, return_annotation=answer))

    def check(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], *, is_whole: bool = True
    ) -> None:
        """Raise TypeError if the function cannot take the arguments. Some may lack unless `is_whole`."""
        names = {**kwargs, "task": None} if self.context else kwargs
        bind = self.signature.bind if is_whole else self.signature.bind_partial
        bind(*args, **names)


class _Written(str):
    """A string whose repr has no quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _as_written(annotation: Any) -> Any:
    return _Written(annotation) if isinstance(annotation, str) else annotation
