"""Fills a form with the arguments of an earlier job, except its secrets."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from typing import Any

from mahaam.core.errors import PayloadBroken
from mahaam.core.payload import load
from mahaam.redaction.redact import masked_call

from .field import Field
from .parameters import shown
from .raw_call import Stored


def fill(
    fields: Mapping[str, Field], signature: inspect.Signature, call: Stored, *, task: str
) -> None:
    """Put the arguments of `call`, in the form that a row stores, into the fields of their parameters.

    A field stays as it is when its argument is a secret. Arguments that the task no longer takes are
    skipped.
    """
    given = _by_parameter(signature, call)
    open_to_all = _by_parameter(signature, masked_call(*call, task))
    for name, value in given.items():
        if name in fields and open_to_all.get(name) == value:
            fields[name].text = shown(fields[name].kind, value_of(value))


def value_of(stored: Any) -> Any:
    """Return a stored value as the task would get it, or None when it cannot be read back."""
    try:
        return load(json.dumps(stored))
    except PayloadBroken:
        return None


def _by_parameter(signature: inspect.Signature, call: Stored) -> dict[str, Any]:
    args, kwargs = call
    try:
        return dict(signature.bind_partial(*args, **kwargs).arguments)
    except TypeError:  # the function has changed since
        return {}
