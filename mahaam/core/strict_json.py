"""The parser of JSON that people type or send, for forms, command line and search.

Python's own parser takes `NaN`, makes infinity of `1e400`, and of `{"a": 1, "a": 2}` keeps only the
second value. PostgreSQL refuses the first two when a job is stored, and the third is always a mistake.
"""

from __future__ import annotations

import json
import math
from typing import Any

from mahaam.core.errors import MahaamError
from mahaam.core.translatable import Translatable

NO_JSON = Translatable("This is not JSON: %(why)s.")
NOT_FINITE = Translatable("%(number)s is not a number that can be stored.")
TWICE = Translatable("The key %(key)s stands twice in the same object.")
TOO_DEEP = Translatable("This JSON is nested too deeply.")
SHOWN = 40  # characters of a quotation in a sentence


class JsonNotValid(MahaamError, ValueError):
    """A text is not JSON, or contains a value that cannot be stored or a key twice."""

    def __init__(self, phrase: Translatable) -> None:
        super().__init__(str(phrase))
        self.phrase = phrase


def parse(text: str) -> Any:
    """Return the value of `text`. Raises JsonNotValid."""
    try:
        return json.loads(
            text, parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_with_each_key_once
        )
    except JsonNotValid:
        raise
    except RecursionError:
        raise JsonNotValid(TOO_DEEP) from None
    except ValueError as fault:
        raise JsonNotValid(NO_JSON.about(why=str(fault))) from None


def _refuse(name: str) -> Any:
    raise JsonNotValid(NOT_FINITE.about(number=name))


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise JsonNotValid(NOT_FINITE.about(number=text[:SHOWN]))
    return value


def _with_each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise JsonNotValid(TWICE.about(key=repr(_first_double(pairs)[:SHOWN])))
    return made


def _first_double(pairs: list[tuple[str, Any]]) -> str:
    seen: set[str] = set()
    for key, _value in pairs:
        if key in seen:
            return key
        seen.add(key)
    raise AssertionError("no key stands twice")
