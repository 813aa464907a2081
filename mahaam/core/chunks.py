"""Batches: long lists of rows, cut to the size of one statement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

CHUNK = 500  # with more rows in one statement each row takes longer


def chunks(items: Iterable[T], most: int = CHUNK) -> Iterator[list[T]]:
    """Yield `items` in lists of at most `most`."""
    remaining = iter(items)
    while chunk := list(islice(remaining, most)):
        yield chunk
