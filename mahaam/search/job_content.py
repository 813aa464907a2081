"""Conditions on the content of rows, and how an index or a row answers each of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from mahaam.search.argument_text import exact_json
from mahaam.search.job_filter import JobFilter
from mahaam.search.spellings import spellings


class Content(NamedTuple):
    """A condition as its index answers it, as a row does, and the values of both.

    The condition on a row is written with IS TRUE, which keeps the planner from asking a second
    index: that one may be slower than all the rest.
    """

    by_index: str
    in_row: str
    values: dict[str, str]


def contents_of(wanted: JobFilter) -> list[Content]:
    """Return all conditions of `wanted` on the content of rows; a row must meet all of them."""
    found = [_error(wanted.error)] if wanted.error is not None else []
    if wanted.argument is not None:
        found += _arguments(wanted.argument)
    return [*found, _tag(wanted.tag)] if wanted.tag is not None else found


def _error(error: str) -> Content:
    literal = error.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return Content(
        "error IS NOT NULL AND error_grams(error) @> error_probes(%(error)s)",
        "(left(error, 300) ILIKE %(error_like)s) IS TRUE",
        {"error": error, "error_like": f"%{literal}%"},
    )


def _tag(tag: str) -> Content:
    return Content(
        "tags IS NOT NULL AND tags @> ARRAY[%(tag)s::text]",
        "(tags @> ARRAY[%(tag)s::text]) IS TRUE",
        {"tag": tag},
    )


def _arguments(argument: str) -> list[Content]:
    """Return one content for each value: the rarest of them is the one to ask the index for."""
    asked = json.loads(argument, parse_float=Decimal)
    column = "args" if isinstance(asked, list) else "kwargs"
    # The index leads to the arguments as they are stored; what counts is what is shown of them.
    shown = f"coalesce(shown -> '{column}', {column})"
    return [
        _argument(f"argument_{number}", column, shown, parts)
        for number, parts in enumerate(_leaves(asked, is_whole=column == "args"))
    ]


def _argument(name: str, column: str, shown: str, parts: list[Any]) -> Content:
    """Return one value, in each of its spellings."""
    values = {f"{name}_{place}": exact_json(part) for place, part in enumerate(parts)}
    by_index = " OR ".join(f"{column} @> %({key})s::jsonb" for key in values)
    in_row = " OR ".join(f"{shown} @> %({key})s::jsonb" for key in values)
    return Content(f"({by_index})", f"({in_row}) IS TRUE", values)


def _leaves(asked: Any, *, is_whole: bool) -> Iterator[list[Any]]:
    """Yield `{"a": {"b": 1, "c": 2}}` as `{"a": {"b": 1}}` and `{"a": {"c": 2}}`, each in all spellings.

    A list stays whole; `is_whole`: it is that of the positional arguments, which is no value.
    """
    if not isinstance(asked, dict) or not asked:
        found = spellings(asked)
        yield [one for one in found if isinstance(one, list)] if is_whole else found
        return
    for name, value in asked.items():
        for parts in _leaves(value, is_whole=False):
            yield [{name: part} for part in parts]
