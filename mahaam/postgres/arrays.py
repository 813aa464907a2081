"""Array literals for PostgreSQL, which it reads in one go; psycopg2 would write a list as an expression."""

from __future__ import annotations

from collections.abc import Iterable


def array(items: Iterable[object]) -> str:
    """Return numbers or ids as an array literal."""
    return "{" + ",".join(map(str, items)) + "}"


def text_array(items: Iterable[str | None]) -> str:
    """Return texts, which may contain anything but NUL, as an array literal."""
    return "{" + ",".join(map(quoted, items)) + "}"


def quoted(text: str | None) -> str:
    """Return one text as an element of an array literal."""
    if text is None:
        return "NULL"
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
