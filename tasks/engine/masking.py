"""What may be shown of arguments, results, logs, errors and tracebacks: secrets are masked."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from inspect import Parameter
from typing import Any

from tasks.engine import live_settings, mask, registry
from tasks.engine.mask import MASK, Mask, MaskLeftOver

__all__ = [
    "MASK",
    "MaskLeftOver",
    "mask_of",
    "masked",
    "masked_call",
    "masked_text",
    "searches_secret",
    "unmasked_call",
]

BY_PLACE = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD, Parameter.VAR_POSITIONAL)


def masked(value: Any, task: str | None = None) -> Any:
    """A result, or any other value of `task`, with its secrets hidden."""
    return mask_of(task).value(value)


def masked_call(
    args: Sequence[Any], kwargs: dict[str, Any], task: str | None = None
) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of a job of `task`; those by place are hidden by the names of its parameters."""
    return mask_of(task).call(args, kwargs, _parameters(task))


def masked_text(text: str, task: str | None = None) -> str:
    """A log line, an error message, a traceback."""
    return mask_of(task).text(text)


def searches_secret(wanted: Any, task: str | None = None) -> bool:
    """Whether a search for arguments that contain `wanted` would tell of a secret.

    Without a task it looks through the jobs of all, and what one of them hides is secret.
    """
    if task is not None:
        return mask_of(task).is_in(wanted)
    own = dict.fromkeys(name for task in sorted(registry.tasks) for name in _own_names(task))
    return _mask((*live_settings.value("masked_keys"), *own)).is_in(wanted)


def unmasked_call(
    args: Sequence[Any] | None,
    kwargs: dict[str, Any] | None,
    *,
    old: tuple[Sequence[Any], dict[str, Any]],
    task: str,
) -> tuple[list[Any] | None, dict[str, Any] | None]:
    """Edited arguments, with the old values where their mask was left; None stays None.

    Raises MaskLeftOver.
    """
    shown_args, shown_kwargs = masked_call(*old, task)
    old_args, old_kwargs = list(old[0]), old[1]
    return (
        None if args is None else mask.restored(list(args), old_args, shown_args),
        None if kwargs is None else mask.restored(kwargs, old_kwargs, shown_kwargs),
    )


def mask_of(task: str | None) -> Mask:
    """The mask for what belongs to `task`; None: for what belongs to no task."""
    return _mask((*live_settings.value("masked_keys"), *_own_names(task)))


@lru_cache(maxsize=256)
def _mask(names: tuple[str, ...]) -> Mask:
    return mask.mask(names)


def _own_names(task: str | None) -> tuple[str, ...]:
    known = registry.tasks.get(task) if task else None
    return known.task_class.masked if known else ()


def _parameters(task: str | None) -> list[str]:
    known = registry.tasks.get(task) if task else None
    if known is None:
        return []
    parameters = known.card.signature.parameters.values()
    return [one.name for one in parameters if one.kind in BY_PLACE]
