"""The parameters of a task as fields, and what was typed as the arguments of a call."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _

from .kinds import BOOLEAN, LIST, OBJECT, TEXT, FieldType, kind_of

PREFIX = "arg-"
OMITTED = object()
VARIADIC = {inspect.Parameter.VAR_POSITIONAL: LIST, inspect.Parameter.VAR_KEYWORD: OBJECT}


@dataclass
class Field:
    """One field of a form: what is asked, what was typed, what is wrong with it.

    `default` is what is used when nothing is typed; OMITTED: something must be typed.
    `may_be_empty`: an empty text is a value of its own.
    """

    name: str
    label: str
    kind: FieldType
    default: Any = OMITTED
    hint: str = ""
    text: str = ""
    fault: str | None = None
    choices: tuple[str, ...] = ()
    may_be_empty: bool = False

    @property
    def is_required(self) -> bool:
        """Whether an empty field is a fault."""
        return self.default is OMITTED and self.kind is not BOOLEAN

    def read(self, form: Mapping[str, str]) -> Any:
        """The value that was typed; sets `fault` when it is wrong."""
        self.text = form.get(self.name, "")
        if self.kind is not BOOLEAN and self.text.strip() == "" and not self.may_be_empty:
            if self.is_required:
                self.fault = _("This must be filled in.")
            return self.default
        try:
            return self.kind.read(self.text)
        except ValueError as fault:
            self.fault = str(fault)
            return self.default


def fields_of(signature: inspect.Signature, *, hidden: frozenset[str]) -> dict[str, Field]:
    """One field for each parameter, by its name, without the `hidden` ones."""
    return {
        name: _field(parameter)
        for name, parameter in signature.parameters.items()
        if name not in hidden
    }


def call_of(
    signature: inspect.Signature, values: Mapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The positional and keyword arguments that give each parameter its value."""
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
            PREFIX + parameter.name, stars + parameter.name, kind, default=kind.parse(kind.example)
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
    )


def shown(kind: FieldType, value: Any) -> str:
    """A value as it would be typed."""
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
        return ""  # left empty, the default is used as it is
