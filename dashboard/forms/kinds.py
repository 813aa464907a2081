"""The kinds of value that can be typed in a form: the widget of each, and how its text is read."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin
from uuid import UUID

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from mahaam.core.field import FieldNotValid
from mahaam.core.strict_json import JsonNotValid
from mahaam.core.strict_json import parse as parse_json

from ..web.languages import said

MOST_TICKS = 100


@dataclass(frozen=True)
class FieldType:
    """A kind of value.

    `widget` is text, number, checkbox, ticks, lines, datetime, password or json. For a wrong text
    `parse` raises ValueError, or an error with a translatable phrase. `wanted` says what is valid.
    """

    name: str
    widget: str
    parse: Callable[[str], Any]
    wanted: LazyString | str
    example: str = ""

    def read(self, text: str) -> Any:
        """Return the value of `text`. Raises ValueError with a sentence for the user."""
        if "\x00" in text:
            raise ValueError(_("This contains a NUL character, which cannot be stored."))
        try:
            return self.parse(text)
        except (JsonNotValid, FieldNotValid) as fault:
            raise ValueError(f"{self.wanted} {said(fault.phrase)}".strip()) from None
        except (ValueError, InvalidOperation, OverflowError):
            raise ValueError(str(self.wanted)) from None


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError
    return value


def _decimal(text: str) -> Decimal:
    value = Decimal(text.strip())
    if not value.is_finite():
        raise ValueError
    return value


def _aware(text: str) -> datetime:
    at = datetime.fromisoformat(text.strip())
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _split(text: str) -> list[str]:
    return [one for one in re.split(r"[\s,;]+", text) if one]


def _ids(text: str) -> list[int]:
    return [int(one) for one in text.split(",") if one.isascii() and one.isdigit()][:MOST_TICKS]


def _of_type(kind: type) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        value = parse_json(text)
        if not isinstance(value, kind):
            raise ValueError  # noqa: TRY004 (what a person typed is wrong, not the code)
        return value

    return parse


TEXT = FieldType("str", "text", str, _l("Enter a text."))
INTEGER = FieldType("int", "number", int, _l("Enter a whole number, such as 42."))
NUMBER = FieldType("float", "number", _finite, _l("Enter a number, such as 0.5."))
BOOLEAN = FieldType("bool", "checkbox", lambda text: text == "yes", _l("Tick it or leave it."))
DATETIME = FieldType(
    "datetime",
    "text",
    _aware,
    _l("Enter a date and a time; without an offset it is UTC."),
    "2026-12-31T18:30+03:00",
)
DATE = FieldType(
    "date", "text", lambda text: date.fromisoformat(text.strip()), _l("Enter a date."), "2026-12-31"
)
TIME = FieldType(
    "time",
    "text",
    lambda text: time.fromisoformat(text.strip()),
    _l("Enter a time of day."),
    "18:30",
)
DECIMAL = FieldType(
    "Decimal", "text", _decimal, _l("Enter a decimal number, such as 12.50."), "12.50"
)
IDENTIFIER = FieldType(
    "UUID",
    "text",
    lambda text: UUID(text.strip()),
    _l("Enter a UUID."),
    "01890a5d-ac96-774b-bcce-b302099a8057",
)
LOCAL_TIME = FieldType(
    "local time",
    "datetime",
    lambda text: datetime.fromisoformat(text.strip()),
    _l("Enter a date and a time."),
    "2026-12-31T18:30",
)
WORDS = FieldType("list", "lines", _split, "")
PROSE = FieldType("prose", "lines", str, "")
PASSWORD = FieldType("password", "password", str, "")
TICKS = FieldType("ids", "ticks", _ids, "")
JSON = FieldType(
    "JSON", "json", parse_json, _l('Enter JSON, such as "text", 42, [1, 2] or {"a": 1}.')
)
LIST = FieldType("list", "json", _of_type(list), _l("Enter a JSON list, such as [1, 2]."), "[]")
OBJECT = FieldType(
    "dict", "json", _of_type(dict), _l('Enter a JSON object, such as {"a": 1}.'), "{}"
)

KINDS = {
    kind.name: kind
    for kind in (
        TEXT,
        INTEGER,
        NUMBER,
        BOOLEAN,
        DATETIME,
        DATE,
        TIME,
        DECIMAL,
        IDENTIFIER,
        LIST,
        OBJECT,
    )
}


def kind_of(annotation: Any) -> tuple[FieldType, bool]:
    """Return the kind for a parameter's annotation, and True if the parameter may be None."""
    names = _names(annotation)
    others = [name for name in names if name != "None"]
    kind = KINDS.get(others[0].split("[")[0], JSON) if len(others) == 1 else JSON
    return kind, "None" in names


def _names(annotation: Any) -> list[str]:
    """Return the names of the types in a union. Annotations may be unevaluated texts."""
    if isinstance(annotation, str):
        return _names_in(annotation.strip())
    if get_origin(annotation) in (Union, UnionType):
        return [name for part in get_args(annotation) for name in _names(part)]
    if annotation in (None, NoneType):
        return ["None"]
    return [getattr(get_origin(annotation) or annotation, "__name__", "?")]


def _names_in(text: str) -> list[str]:
    text = text.removeprefix("typing.")
    if text.startswith("Optional[") and text.endswith("]"):
        return [*_names_in(text[len("Optional[") : -1]), "None"]
    if "|" in text and "[" not in text:
        return [name for part in text.split("|") for name in _names_in(part.strip())]
    return [text.removeprefix("datetime.").removeprefix("uuid.").removeprefix("decimal.")]
