"""Secrets in command lines, and in lists of an argument and its value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mahaam.redaction.names import Names
from mahaam.redaction.value_bounds import NOTHING, Span, end_of_value

OPTION = re.compile(
    r"(?<![\w-])(?P<name>--?[A-Za-z][\w-]*+)(?:\\*[\"']\s*+,\s*+[bu]?|[ \t]+|[ \t]*\\?\r?\n[ \t]*+)"
)
# The words behind an option that is only mentioned in prose.
PROSE = re.compile(
    r"(?i)(?:is|was|are|be|to|or|and|requires?|must|option|flag|for|with|needs?|given|missing|not|cannot|has|argument|in"
    r"|if|the|on|instead|without|an?|may|can|should|expects?|takes?|from)\b(?![-_.=/])|-{1,2}[A-Za-z]|[|&]"
)
PAIR = re.compile(
    r"(?P<open>[\[(])\s*+[bu]?(?P<quote>\\*[\"'])(?P<name>[^\"'\\\n]{1,64})(?P=quote)\s*+,\s*+[bu]?(?=\S)"
)
CLOSED = re.compile(r"\s*,?\s*[\])]")
PAIR_STEPS = 24
NAMED_VALUE = re.compile(
    r"(?P<quote>\\*[\"'])(?:name|key|field|header|param|parameter|k)(?P=quote)\s*+:\s*+(?P=quote)(?P<name>[^\"'\\\n]{1,64})(?P=quote)"
    r"\s*+,\s*+(?P=quote)(?:value|val|v)(?P=quote)\s*+:\s*+",
    re.IGNORECASE,
)
USER = re.compile(
    r"(?<![\w-])(?:-u|-U|--user|--proxy-user|--userpwd)(?:=|[ \t]+|\\*[\"']\s*,\s*)(?:\\*[\"'])?"
    r"(?P<user>[^\s:\"'=/]{1,64}):(?=[^\s\"'])"
)
SHORT = re.compile(
    r"\b(?P<tool>sshpass|mysql\w*|mariadb[\w-]*|mongo\w*|docker login|redis-cli|ldap\w+)\b[^\n|;]{0,200}?[\s\"']-(?P<option>[paw])(?P<gap>\s*)(?=\S)"
)
SHORT_OPTIONS = {
    "sshpass": "p",
    "mysql": "p",
    "mariadb": "p",
    "mongo": "p",
    "docker login": "p",
    "redis-cli": "a",
    "ldap": "w",
}
NAME_KEYS = ("name", "key", "field", "header", "param", "parameter", "option", "k")
VALUE_KEYS = ("value", "val", "v")


def spans(text: str, names: Names) -> Iterator[Span]:
    """Yield the values in `text` that follow an option or a name in a list."""
    if "-" in text:
        yield from _options(text, names)
    if "," in text and ('"' in text or "'" in text):
        yield from _pairs(text, names)


def of_users(text: str) -> Iterator[Span]:
    """Yield the passwords in `text` of options without a name: `curl -u ann:…`, `mysql -p…`."""
    lowered = text.lower()
    for found in USER.finditer(text) if "-u" in lowered or "-user" in lowered else ():
        end = re.compile(r"[\s\"'\\]|$").search(text, found.end())
        yield found.end(), end.start() if end else len(text)
    for found in SHORT.finditer(text) if any(tool in text for tool in SHORT_OPTIONS) else ():
        wanted = next(
            option for tool, option in SHORT_OPTIONS.items() if found["tool"].startswith(tool)
        )
        is_near = found["option"] == "p" and not found["gap"]
        if found["option"] == wanted and (
            is_near or not found["tool"].startswith(("mysql", "mariadb"))
        ):
            yield found.end(), end_of_value(text, found.end())


def follows_option(item: Any, names: Names) -> bool:
    """Return True if `item` is an option whose value, the next in its list, is secret."""
    return isinstance(item, str) and item.startswith("-") and "=" not in item and names.hide(item)


def is_pair(items: list[Any], names: Names) -> bool:
    """Return True if `items` are a name and a secret."""
    return (
        len(items) == 2
        and isinstance(items[0], str)
        and len(items[0]) <= 64
        and names.hide(items[0])
    )


def secret_key(item: dict[str, Any], names: Names) -> str | None:
    """Return the key of the value in `{"name": "password", "value": …}`; None: it holds no secret."""
    lowered = {key.lower(): key for key in item if isinstance(key, str)}
    name = next((item[lowered[key]] for key in NAME_KEYS if key in lowered), None)
    value = next((lowered[key] for key in VALUE_KEYS if key in lowered), None)
    return value if isinstance(name, str) and len(name) <= 64 and names.hide(name) else None


def _options(text: str, names: Names) -> Iterator[Span]:
    done = 0
    for found in OPTION.finditer(text):
        name = found["name"]
        if (
            found.start() < done
            or not names.hide(name)
            or re.match(r"--?(?:no|skip|without|with-no|disable|ask)-", name)
        ):
            continue
        is_listed = "," in found[0]
        if PROSE.match(text, found.end()) and not is_listed:
            continue
        done = end_of_value(text, found.end())
        yield found.end(), done


def _pairs(text: str, names: Names) -> Iterator[Span]:
    for found in PAIR.finditer(text):
        if names.hide(found["name"]):
            end = end_of_value(text, found.end(), steps=PAIR_STEPS)
            if CLOSED.match(text, end) and text[found.end() : end].lower() not in NOTHING:
                yield found.end(), end
    done = 0
    for found in NAMED_VALUE.finditer(text):
        if found.start() >= done and names.hide(found["name"]):
            done = end_of_value(text, found.end())
            yield found.end(), done
