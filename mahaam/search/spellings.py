"""Spellings of a searched value in a row: JSON has no dates, decimals or tuples.

They are stored under a `$tag` (mahaam/core/payload.py), and a page shows them as they were written.
"""

from __future__ import annotations

import ast
import itertools
import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

MOST = 64  # spellings of one value; a list multiplies those of its elements
LISTS = ("$tuple", "$set", "$frozenset")


def spellings(value: Any) -> list[Any]:
    """Return the JSON values that may be meant by `value`, itself first."""
    if isinstance(value, bool) or value is None:
        return [value, {True: "true", False: "false", None: "null"}[value]]
    if isinstance(value, int | Decimal):
        return [value, *_of_number(value)]
    if isinstance(value, str):
        return [value, *_of_text(value)]
    if isinstance(value, list):
        return _of_list(value)
    return [value]


def _of_number(value: int | Decimal) -> Iterator[Any]:
    yield {"$decimal": str(value)}
    if math.isfinite(float(value)):
        yield {"$float": repr(float(value))}


def _of_list(value: list[Any]) -> list[Any]:
    each = itertools.product(*(spellings(element) for element in value))
    plain = [list(elements) for elements in itertools.islice(each, MOST)]
    tagged = [{tag: elements} for tag in LISTS for elements in plain]
    return (plain + tagged)[: MOST * (1 + len(LISTS))]


def _of_text(text: str) -> Iterator[Any]:
    for tag, parse in TAGS.items():
        with suppress(ValueError, InvalidOperation, OverflowError):
            parse(text)
            yield {tag: text}
    with suppress(ValueError, OverflowError):
        yield from _of_moment(datetime.fromisoformat(text))
    yield {"$bytes": text}
    yield from _of_written_tuple(text)


def _of_moment(at: datetime) -> Iterator[Any]:
    if at.tzinfo is None:
        yield {"$datetime": at.isoformat()}
        at = at.replace(tzinfo=UTC)  # as the page shows a moment that has a zone
    yield {"$datetime_utc": at.astimezone(UTC).isoformat()}


def _of_written_tuple(text: str) -> Iterator[Any]:
    """Yield `(1, 2)` as Python writes it."""
    if not (text.startswith("(") and text.endswith(")")):
        return
    with suppress(ValueError, SyntaxError, MemoryError, RecursionError):
        value = ast.literal_eval(text)
        if isinstance(value, tuple):
            yield from (
                {"$tuple": part} for part in _of_list(_plain(value)) if isinstance(part, list)
            )


def _plain(value: tuple[Any, ...]) -> list[Any]:
    """Return the elements as JSON has them.

    Raises ValueError for a value that JSON does not have: the text is then no tuple of ours.
    """
    plain: list[Any] = []
    for element in value:
        if isinstance(element, tuple | list):
            plain.append(_plain(tuple(element)))
        elif isinstance(element, float) and math.isfinite(element):
            plain.append(Decimal(repr(element)))
        elif element is None or isinstance(element, str | bool | int):
            plain.append(element)
        else:
            raise ValueError
    return plain


TAGS: dict[str, Callable[[str], Any]] = {
    "$date": date.fromisoformat,
    "$time": time.fromisoformat,
    "$decimal": Decimal,
    "$uuid": UUID,
    "$float": float,
}
