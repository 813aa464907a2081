"""The beginning and the end of a value in a text."""

from __future__ import annotations

import re
from functools import lru_cache

OPENING, CLOSING, QUOTES = "([{", ")]}", "\"'`"
CURLY = {"“": "”", "„": "“", "‘": "’", "«": "»", "‹": "›"}
SPACE = frozenset(" \t\r\n\f\v")
# Behind one of these a value may continue: what has no name of its own belongs to it.
PERHAPS = frozenset(",;،؛")
NEXT_FIELD = re.compile(r"\s|$|[^\s,;=:&<>\"'(){}\[\]]{0,80}?\s*(?:=|:|%3[DdAa])|[\[({\"'<&،؛,;]")
TAG = re.compile(r"</?[A-Za-z!?][^<>]{0,80}>|</")
MOST_BACKSLASHES = 16
QUOTE = re.compile(r"\\*[\"'`]?")
# An empty value reveals nothing, and neither does one of these.
NOTHING = frozenset(
    {"", "none", "null", "nil", "undefined", "true", "false", '""', "''", "[]", "{}", "()"}
)

Span = tuple[int, int]


def replaced(text: str, spans: list[Span], mask: str) -> str:
    """Return `text` with `mask` in place of these values; quotes around them stay."""
    parts, done = [], 0
    for start, end in sorted(spans):
        if start < done or text[start:end].lower() in NOTHING:
            continue
        parts += [text[done:start], _quoted(text[start:end], mask)]
        done = end
    return "".join([*parts, text[done:]]) if parts else text


def end_of_value(text: str, at: int, *, steps: int | None = None) -> int:
    """Return where the value that begins at `at` ends: at a delimiter outside of its brackets and quotes.

    The search is given up after so many `steps`, each a quoted text or a character.
    """
    depth, left = 0, len(text) if steps is None else steps
    while at < len(text) and left:
        left -= 1
        sign = text[at]
        if (
            sign in QUOTES
            or sign in CURLY
            or (sign == "\\" and text[at + 1 : at + 2] in ("\\", *QUOTES))
        ):
            at = end_of_quote(text, at)
            continue
        if depth == 0 and _ends(text, at, sign):
            break
        depth += (sign in OPENING) - (sign in CLOSING)
        at += 1
    return at


def end_of_quote(text: str, at: int) -> int:
    """Return the index behind the closing quote; of one that is never closed, the end of its line."""
    if text[at] in CURLY:
        close = text.find(CURLY[text[at]], at + 1)
        return close + 1 if close >= 0 else end_of_line(text, at)
    mark = QUOTE.match(text, at)
    opening = mark[0] if mark else text[at]
    if opening[-1] not in QUOTES or len(opening) > MOST_BACKSLASHES:  # backslashes alone
        return at + len(opening)
    end = _closing(opening).search(text, at + len(opening))
    return end.end() if end else end_of_line(text, at)


def end_of_line(text: str, at: int) -> int:
    """Return the index of the next line break."""
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def is_quote(text: str, at: int) -> bool:
    """Return True if a quote begins at `at`, an escaped one, too."""
    mark = QUOTE.match(text, at)
    return bool(mark and mark[0] and mark[0][-1] in QUOTES) or text[at : at + 1] in CURLY


def _ends(text: str, at: int, sign: str) -> bool:
    """Return True if a value outside of brackets and quotes ends before `sign`."""
    if sign in SPACE or sign == "&":
        return True
    if sign in PERHAPS:
        return NEXT_FIELD.match(text, at + 1) is not None
    if sign in CLOSING:
        return not text[at + 1 : at + 2].isalnum()
    if sign == "<":
        return TAG.match(text, at) is not None
    return sign == ">" and not text[at + 1 : at + 2].isalnum()


@lru_cache(maxsize=64)
def _closing(opening: str) -> re.Pattern[str]:
    if opening[0] == "\\":
        return re.compile(rf"(?<!\\){re.escape(opening)}")
    return re.compile(rf"(?<!\\)(?:\\\\)*{re.escape(opening)}")


def _quoted(value: str, mask: str) -> str:
    """Return the mask, in the quotes that the value has."""
    quote = QUOTE.match(value)
    if quote and quote[0] and quote[0][-1] in QUOTES:
        return f"{quote[0]}{mask}{quote[0]}"
    return f"{value[0]}{mask}{CURLY[value[0]]}" if value[0] in CURLY else mask
