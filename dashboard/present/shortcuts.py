"""Keyboard shortcuts to pages: g, and then a letter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

LETTERS = {
    "admin": "o",
    "job": "j",
    "deadletterqueue": "d",
    "error": "e",
    "alert": "a",
    "queue": "q",
    "queues": "q",
    "monitor": "q",
    "metrics": "m",
    "worker": "w",
}


class Shortcut(NamedTuple):
    """A letter, and the name and address of its page."""

    letter: str
    name: str
    url: str


def shortcuts(items: Iterable[Any]) -> Iterator[Shortcut]:
    """Yield the shortcuts of a menu, whose items are Flask-Admin's. Each letter occurs once."""
    seen: set[str] = set()
    for item in items:
        view = getattr(item, "_view", None)
        letter = LETTERS.get(view.endpoint) if view else None
        if letter and letter not in seen:
            seen.add(letter)
            yield Shortcut(letter, str(item.name), item.get_url())
