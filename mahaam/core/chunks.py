"""Long lists of rows, cut into what one statement takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

CHUNK = 500  # more rows in one statement take longer each


def chunks(items: Iterable[T], most: int = CHUNK) -> Iterator[list[T]]:
    """Yield `items` in lists of at most so many."""
    remaining = iter(items)
    while chunk := list(islice(remaining, most)):
        yield chunk
