"""The parameters of a task as fields, and the typed values as the arguments of a call."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from typing import Any

from .field import OMITTED, Field
from .kinds import BOOLEAN, LIST, OBJECT, TEXT, FieldType, kind_of

PREFIX = "arg-"
VARIADIC = {inspect.Parameter.VAR_POSITIONAL: LIST, inspect.Parameter.VAR_KEYWORD: OBJECT}


def fields_of(signature: inspect.Signature, *, hidden: frozenset[str]) -> dict[str, Field]:
    """Return one field for each parameter, by its name, without the `hidden` ones."""
    return {
        name: _field(parameter)
        for name, parameter in signature.parameters.items()
        if name not in hidden
    }


def call_of(
    signature: inspect.Signature, values: Mapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the positional and keyword arguments that give each parameter its value."""
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    extra = _extra_positional(signature, values)
    for name, value in values.items():
        kind = signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_KEYWORD:
            kwargs |= value
        elif _goes_by_place(kind, has_extra=bool(extra)):
            args.append(value)
        elif kind is not inspect.Parameter.VAR_POSITIONAL:
            kwargs[name] = value
    return (*args, *extra), kwargs


def _goes_by_place(kind: Any, *, has_extra: bool) -> bool:
    if kind is inspect.Parameter.POSITIONAL_ONLY:
        return True
    # With *args behind it, a parameter can only be given by its place.
    return has_extra and kind is inspect.Parameter.POSITIONAL_OR_KEYWORD


def _extra_positional(signature: inspect.Signature, values: Mapping[str, Any]) -> list[Any]:
    for name, value in values.items():
        if signature.parameters[name].kind is inspect.Parameter.VAR_POSITIONAL:
            return list(value)
    return []


def _field(parameter: inspect.Parameter) -> Field:
    if parameter.kind in VARIADIC:
        kind = VARIADIC[parameter.kind]
        stars = "*" if kind is LIST else "**"
        return Field(
            PREFIX + parameter.name,
            stars + parameter.name,
            kind,
            default=kind.parse(kind.example),
            is_parameter=True,
        )
    kind, may_be_none = kind_of(parameter.annotation)
    default = parameter.default
    if default is inspect.Parameter.empty:
        default = None if may_be_none else OMITTED
    return Field(
        PREFIX + parameter.name,
        parameter.name,
        kind,
        default=default,
        text=shown(kind, default),
        # A text that had a default and was emptied is meant to be empty.
        may_be_empty=kind is TEXT and isinstance(default, str),
        is_parameter=True,
    )


def shown(kind: FieldType, value: Any) -> str:
    """Return a value as it would be typed."""
    if value is OMITTED or value is None:
        return ""
    if kind is BOOLEAN:
        return "yes" if value else ""
    if kind.widget == "json":
        return _as_json(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _as_json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        return ""  # the field is left empty, so that the default is used unchanged
