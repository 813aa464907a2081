"""Secrets in XML and HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mahaam.redaction.names import Names
from mahaam.redaction.value_bounds import Span, end_of_line, end_of_value

OPEN = re.compile(
    r"(?:<|&lt;|\\u003c)(?P<tag>(?:[\w.-]{1,64}:)?(?P<name>\w[\w.-]{0,63}))(?P<more>(?:\s[^<>]{0,500}?)?)(?P<end>/?(?:>|&gt;|\\u003e))",
    re.IGNORECASE,
)
CLOSE = ("</", "&lt;/", "\\u003c/")
# `<param name="password">x</param>`, `<add key="Password" value="x"/>`, `<input name="pin" value="1">`
# `<key>password</key><string>x</string>`
NAME_AND_VALUE = re.compile(
    r"<(?P<tag>key|name|field|param)>\s*(?P<name>[^<>]{1,64}?)\s*</(?P=tag)>\s*<(?P<value>[\w:.-]{1,64})>",
    re.IGNORECASE,
)
ATTRIBUTE = re.compile(
    r"""\b(?:name|key|id|field|property)\s*=\s*(?:\\*["'])(?P<name>[^"'\\<>]{1,64})""",
    re.IGNORECASE,
)
VALUE = re.compile(r"""\bvalue\s*=\s*(?=\\*["'])""", re.IGNORECASE)
LONGEST = 4096


def spans(text: str, names: Names) -> Iterator[Span]:
    """Yield the content of elements of `text` whose name, or attribute `name`, is that of a secret."""
    for pair in NAME_AND_VALUE.finditer(text):
        close = text.find(f"</{pair['value']}", pair.end(), pair.end() + LONGEST)
        if names.hide(pair["name"]):
            yield pair.end(), close if close >= 0 else end_of_line(text, pair.end())
    marks = [mark for mark in CLOSE if mark in text]
    done = 0
    for found in OPEN.finditer(text) if "<" in text or "&lt;" in text or "\\u003c" in text else ():
        if found.start() < done:
            continue
        attribute = ATTRIBUTE.search(found["more"]) if found["more"] else None
        is_named = attribute is not None and names.hide(attribute["name"])
        if is_named and (value := VALUE.search(found["more"])):
            start = found.start("more") + value.end()
            done = end_of_value(text, start)
            yield start, done
        if (is_named or names.hide(found["name"])) and not found["end"].startswith("/"):
            end = _end_of_content(text, found, marks)
            yield found.end(), end
            done = max(done, end)


def _end_of_content(text: str, found: re.Match[str], marks: list[str]) -> int:
    start = found.end()
    slots = (text.find(mark + found["tag"], start, start + LONGEST) for mark in marks)
    closing = min((at for at in slots if at >= 0), default=None)
    if closing is not None:
        return closing
    is_cut_off = text[start : start + 1].strip() and text[start] not in "<\"'`),.;:"
    return end_of_line(text, start) if is_cut_off else start
