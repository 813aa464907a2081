"""Excerpts of texts and JSON that may be large, so that a page stays small."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

SHOWN = 20_000  # characters: some 500 lines

# Indented JSON is made piece by piece, so that what is not shown is not made.
_pieces = json.JSONEncoder(ensure_ascii=False, indent=2).iterencode


@dataclass(frozen=True)
class Excerpt:
    """A whole text, or its beginning."""

    text: str
    is_whole: bool


def json_excerpt(value: Any, limit: int = SHOWN) -> Excerpt:
    """Return an excerpt of `value` as indented JSON. Large integers keep every digit."""
    shown: list[str] = []
    room = limit
    for piece in _pieces(value):
        shown.append(piece[:room])
        room -= len(piece)
        if room < 0:
            return Excerpt("".join(shown), is_whole=False)
    return Excerpt("".join(shown), is_whole=True)


def clipped(value: Any, limit: int = SHOWN) -> Any:
    """Return the beginning of a JSON value, about `limit` characters of it, as a valid value."""
    return _clipped(value, [limit])


def _clipped(value: Any, room: list[int]) -> Any:
    if isinstance(value, str):
        room[0] -= len(value)
        return value[: max(len(value) + min(room[0], 0), 0)]
    room[0] -= 2
    if isinstance(value, list):
        return [_clipped(item, room) for item in value if room[0] >= 0]
    if isinstance(value, dict):
        return {
            name: _clipped(item, _less(room, name)) for name, item in value.items() if room[0] >= 0
        }
    return value


def _less(room: list[int], name: str) -> list[int]:
    room[0] -= len(name)
    return room


def text_excerpt(text: str, limit: int = SHOWN) -> Excerpt:
    """Return `text`, or its beginning."""
    return Excerpt(text[:limit], is_whole=len(text) <= limit)
