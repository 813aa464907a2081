"""Checks of the values of single fields, and the error that names the field."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mahaam.core.errors import MahaamError
from mahaam.core.translatable import Translatable

LONGEST_NAME = 200

BAD_NAME = Translatable("Enter a name of 1 to %(most)s characters on one line.")
BAD_NUMBER = Translatable("Enter a whole number from %(low)s to %(high)s.")
BAD_CHOICE = Translatable("Choose one of the list.")


class FieldNotValid(MahaamError):
    """A field cannot have this value: a form shows `phrase` beside `field`, a command prints both."""

    def __init__(self, field: str, phrase: Translatable) -> None:
        super().__init__(f"{field}: {phrase}")
        self.field = field
        self.phrase = phrase


def check_fields(given: Mapping[str, Any], known: Collection[str], unknown: Translatable) -> None:
    """Raise FieldNotValid with the phrase `unknown` for the first field that is not `known`."""
    if strange := sorted(map(str, given.keys() - set(known))):
        raise FieldNotValid(strange[0][:50], unknown)


def short_name(field: str, value: Any) -> str:
    """Return a name of one line without the spaces around it. Raises FieldNotValid."""
    name = value.strip() if isinstance(value, str) else ""
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise FieldNotValid(field, BAD_NAME.about(most=LONGEST_NAME))
    return name


def whole_number(field: str, value: Any, low: int, high: int) -> int:
    """Return a whole number from `low` to `high`. Raises FieldNotValid."""
    if type(value) is not int or not low <= value <= high:
        raise FieldNotValid(field, BAD_NUMBER.about(low=low, high=high))
    return value


def one_of(
    field: str, value: Any, choices: Collection[str], wanted: Translatable = BAD_CHOICE
) -> str:
    """Return one of `choices`. Raises FieldNotValid with the phrase `wanted`."""
    if not isinstance(value, str) or value not in choices:
        raise FieldNotValid(field, wanted)
    return value
