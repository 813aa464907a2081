"""What may be shown of arguments, results, logs, errors and tracebacks: secrets are masked."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from inspect import Parameter
from typing import Any

from mahaam.core.fingerprint import fingerprint
from mahaam.jobs import task_registry
from mahaam.jobs.outcome import Failure
from mahaam.live_settings import current
from mahaam.redaction import secret_mask, suspicion
from mahaam.redaction.secret_mask import MASK, Mask, MaskLeftOver

__all__ = [
    "MASK",
    "MaskLeftOver",
    "hidden_names",
    "mask_of",
    "masked",
    "masked_call",
    "masked_data_for_log",
    "masked_failure",
    "masked_for_all",
    "masked_for_log",
    "masked_text",
    "searches_secret",
    "shown_call",
    "tells_secret",
    "unmasked_call",
]

BY_PLACE = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD, Parameter.VAR_POSITIONAL)


def masked(value: Any, task: str | None = None) -> Any:
    """Return a result, or any other value of `task`, with its secrets hidden."""
    return mask_of(task).value(value)


def masked_call(
    args: Sequence[Any], kwargs: dict[str, Any], task: str | None = None
) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments of a job of `task`; positional ones are hidden by the names of its parameters."""
    return mask_of(task).call(args, kwargs, _parameters(task))


def masked_text(text: str, task: str | None = None) -> str:
    """Return a log line, an error message or a traceback with its secrets hidden."""
    return mask_of(task).text(text)


def masked_failure(failure: Failure, task: str | None) -> Failure:
    """Return the failure of a job of `task`, with the secrets in its message hidden.

    Messages are searched, so masked values must not be in them. Failures of one cause have one
    message, whatever the secret was.
    """
    message = masked_text(failure.message, task)
    if message == failure.message:
        return failure
    mark = fingerprint(failure.error_class, message, failure.traceback)
    return replace(failure, message=message, fingerprint=mark)


def searches_secret(wanted: Any, task: str | None = None) -> bool:
    """Return True if a search for arguments that contain `wanted` would reveal a secret.

    Without a task it searches the jobs of all tasks, and what one of them hides is secret.
    """
    if task is not None:
        return mask_of(task).is_in(wanted)
    return _mask_of_all().is_in(wanted)


def tells_secret(text: str) -> bool:
    """Return True if a search for `text` would reveal a secret of any task."""
    return _mask_of_all().text(text) != text


def shown_call(args: str, kwargs: str, task: str | None) -> str | None:
    """Return what may be searched and shown of a call, as JSON; None: all of it.

    `args` and `kwargs` are JSON, as the row of a job of `task` holds them.
    """
    known = _mask((*current.known("masked_keys"), *_own_names(task)))
    is_named = args != "[]" and any(map(known.hides, _parameters(task)))
    if not is_named and not suspicion.is_suspicious(known.names, args, kwargs):
        return None
    call = json.loads(args), json.loads(kwargs)
    shown = known.call(*call, _parameters(task))
    if shown == call:
        return None
    return json.dumps({"args": shown[0], "kwargs": shown[1]}, ensure_ascii=False)


def hidden_names() -> list[str]:
    """Return the names that people hide beyond those that are always hidden, and those of all tasks."""
    return sorted({*current.value("masked_keys"), *_all_own_names()})


def unmasked_call(
    args: Sequence[Any] | None,
    kwargs: dict[str, Any] | None,
    *,
    old: tuple[Sequence[Any], dict[str, Any]],
    task: str,
) -> tuple[list[Any] | None, dict[str, Any] | None]:
    """Return edited arguments, with the old values where their mask was left; None stays None.

    Raises MaskLeftOver.
    """
    shown_args, shown_kwargs = masked_call(*old, task)
    old_args, old_kwargs = list(old[0]), old[1]
    return (
        None if args is None else secret_mask.restored(list(args), old_args, shown_args),
        None if kwargs is None else secret_mask.restored(kwargs, old_kwargs, shown_kwargs),
    )


def mask_of(task: str | None) -> Mask:
    """Return the mask for values of `task`; None: for values of no task."""
    return _mask((*current.value("masked_keys"), *_own_names(task)))


def masked_for_all(text: str) -> str:
    """Return a text of several tasks, such as the message of an error group, with its secrets hidden."""
    return _mask_of_all().text(text)


def masked_for_log(text: str) -> str:
    """Return a line of a process's log with its secrets hidden.

    The names that people hide are not read for it: reading them may log, too.
    """
    return _mask_for_log().text(text)


def masked_data_for_log(value: Any) -> Any:
    """Return plain data for the audit or a command's output, masked as by `masked_for_log`."""
    return _mask_for_log().value(value)


def _mask_for_log() -> Mask:
    return _mask((*current.known("masked_keys"), *_all_own_names()))


def _mask_of_all() -> Mask:
    return _mask((*current.value("masked_keys"), *_all_own_names()))


def _all_own_names() -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(name for task in sorted(task_registry.tasks) for name in _own_names(task))
    )


@lru_cache(maxsize=256)
def _mask(names: tuple[str, ...]) -> Mask:
    return secret_mask.mask(names)


def _own_names(task: str | None) -> tuple[str, ...]:
    known = task_registry.find(task)
    return known.masked if known else ()


def _parameters(task: str | None) -> list[str]:
    known = task_registry.find(task)
    return list(_names_by_place(known.func)) if known is not None else []


@lru_cache(maxsize=4096)
def _names_by_place(function: Callable[..., Any]) -> tuple[str, ...]:
    parameters = inspect.signature(function).parameters.values()
    return tuple(one.name for one in parameters if one.kind in BY_PLACE)
