"""Arrays as PostgreSQL reads them in one go; of a list, psycopg2 would spell out an expression."""

from __future__ import annotations

from collections.abc import Iterable


def array(items: Iterable[object]) -> str:
    """Numbers and ids."""
    return "{" + ",".join(map(str, items)) + "}"


def text_array(items: Iterable[str | None]) -> str:
    """Texts that may contain anything but NUL."""
    return "{" + ",".join(map(quoted, items)) + "}"


def quoted(text: str | None) -> str:
    """One text as an element of such an array."""
    if text is None:
        return "NULL"
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
