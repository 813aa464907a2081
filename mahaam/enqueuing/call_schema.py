"""The parameters of a task as JSON Schema (2020-12), made from its signature by pydantic."""

from __future__ import annotations

from inspect import Parameter
from typing import Any

from pydantic import TypeAdapter
from pydantic.errors import PydanticUndefinedAnnotation, PydanticUserError

from mahaam.jobs.task_card import TaskCard

DIALECT = "https://json-schema.org/draft/2020-12/schema"
NAMED = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)


def call_schema(card: TaskCard) -> dict[str, Any]:
    """Return the schema of a task's arguments by name; a type that JSON cannot express allows anything."""
    properties: dict[str, Any] = {}
    required: list[str] = []
    parameters = card.signature.parameters.values()
    for parameter in parameters:
        if parameter.kind not in NAMED or (card.context and parameter.name == "task"):
            continue
        properties[parameter.name] = _of(parameter)
        if parameter.default is Parameter.empty:
            required.append(parameter.name)
    takes_more = any(parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters)
    return {
        "$schema": DIALECT,
        "title": card.name,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": takes_more,
    }


def _of(parameter: Parameter) -> dict[str, Any]:
    schema = {} if parameter.annotation is Parameter.empty else _of_type(parameter.annotation)
    if isinstance(parameter.default, str | int | float | bool | None):
        schema["default"] = parameter.default
    return schema


def _of_type(annotation: Any) -> dict[str, Any]:
    try:
        return TypeAdapter(annotation).json_schema()
    except (PydanticUserError, PydanticUndefinedAnnotation, TypeError, NameError):
        return {}
