"""Secrets in SQL, and in messages of PostgreSQL and SQLAlchemy."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mahaam.redaction.names import Names
from mahaam.redaction.value_bounds import (
    CLOSING,
    OPENING,
    Span,
    end_of_quote,
    end_of_value,
    is_quote,
)

IDENTIFIED = re.compile(
    r"(?i)\bidentified\s+(?:with\s+[^\s]{1,64}\s+)?(?:by|as)\s+(?:password\s+|values\s+)?(?=\S)"
)
# A name, no operator, and a text: `PASSWORD 'x'`, `SECRET "x"`, `PASSWORD('x')`,
# `password LIKE 'x'`, `PASSWORD $$x$$`
QUOTED = re.compile(
    r"(?i)(?<![\w-])(?P<name>[A-Za-z][\w-]{1,63})(?:\s*\(\s*|\s+(?:(?:not\s+)?(?:i?like|in|similar to|is|to|as|rlike|regexp)\s*\(?\s*)?)"
    r"(?=[EeBNn]?\\*['\"“«‘]|\$\w*\$)"
)
CALLS = re.compile(
    r"(?i)(?:password|(?:set|check|verify|hash|new|change|reset|update)_?(?:password|pin|passphrase|secret|token))$"
)
WRONG = re.compile(
    r"(?i)(?:unexpected|expected|missing|unknown|field|column|parameter|named?|key|argument|no|of|for)\s+$"
)
QUOTE = re.compile(r"[\"'“«‘$]")
DOLLAR = re.compile(r"\$\w*\$")
INSERT = re.compile(
    r"(?i)\b(?:insert|replace)\s+into\s+[^\s(]{1,200}\s*\((?P<columns>[^()]{1,4000})\)\s*values\s*(?=\()"
)
TOLD = re.compile(r"\bKey \((?P<columns>[^()]{1,500})\)=(?=\()|\[parameters: (?=[(\[])")
NAME = re.compile(r"[A-Za-z_]\w{0,63}")
BACK = 2000  # characters before the parameters that contain the statement


def identified(text: str) -> Iterator[Span]:
    """Yield the passwords of `IDENTIFIED BY …`."""
    if "dentified" not in text and "DENTIFIED" not in text:
        return
    for found in IDENTIFIED.finditer(text):
        yield found.end(), end_of_value(text, found.end())


def spans(text: str, names: Names) -> Iterator[Span]:
    """Yield the secrets that statements and messages in `text` name."""
    yield from _quoted(text, names)
    if "(" in text:
        yield from _by_column(text, names)


def _quoted(text: str, names: Names) -> Iterator[Span]:
    done = 0
    for found in QUOTED.finditer(text) if QUOTE.search(text) else ():
        if found.start() < done or not names.hide(found["name"]):
            continue
        is_call = "(" in found[0] and not re.search(r"\s", found[0].partition("(")[0])
        if is_call and not CALLS.search(found["name"]):
            continue
        if WRONG.search(text[max(0, found.start() - 16) : found.start()]):
            continue
        done = _end(text, found.end())
        yield found.end(), done


def _end(text: str, at: int) -> int:
    dollar = DOLLAR.match(text, at)
    if dollar is None:
        return end_of_value(text, at)
    close = text.find(dollar[0], dollar.end(), dollar.end() + BACK)
    return close + len(dollar[0]) if close >= 0 else end_of_value(text, at)


def _by_column(text: str, names: Names) -> Iterator[Span]:
    done = 0
    for found in INSERT.finditer(text):
        if found.start() < done:
            continue
        columns = [column.strip(" \n\t\"'`[]") for column in found["columns"].split(",")]
        secret = {place for place, column in enumerate(columns) if names.hide(column)}
        for span in _of_rows(text, found.end(), secret) if secret else ():
            yield span
            done = span[1]
    yield from _in_brackets(text, names)


def _in_brackets(text: str, names: Names) -> Iterator[Span]:
    """Yield a key's values in PostgreSQL's messages, and parameters in SQLAlchemy's, of secret columns."""
    done = 0
    for found in TOLD.finditer(text):
        if found.start() < done:
            continue
        about = found["columns"] or text[max(0, found.start() - BACK) : found.start()]
        if any(names.hide(word) for word in NAME.findall(about)):
            done = max(found.end() + 1, end_of_value(text, found.end()) - 1)
            yield found.end() + 1, done


def _of_rows(text: str, at: int, secret: set[int]) -> Iterator[Span]:
    """Yield the values at these positions of each row in brackets."""
    while text[at : at + 1] == "(":
        at, place = at + 1, 0
        while at < len(text):
            start = at + len(text[at : at + 200]) - len(text[at : at + 200].lstrip())
            at = _end_of_item(text, start)
            if place in secret:
                yield start, at
            place += 1
            if text[at : at + 1] != ",":
                break
            at += 1
        following = re.compile(r"\)\s*,\s*(?=\()").match(text, at)
        if not following:
            break
        at = following.end()


def _end_of_item(text: str, at: int) -> int:
    """Return the end of a value of a list in brackets."""
    depth = 0
    while at < len(text):
        if is_quote(text, at):
            at = end_of_quote(text, at)
            continue
        if depth == 0 and text[at] in ",)]}":
            break
        depth += (text[at] in OPENING) - (text[at] in CLOSING)
        at += 1
    return at
