"""Texts that are encoded inside of a text: percent signs, entities, escapes."""

from __future__ import annotations

import html
import re
from urllib.parse import unquote

PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
ESCAPE = re.compile(r"(?:\\u[0-9a-fA-F]{4})+|\\x[2-7][0-9a-fA-F]")
SPACE = "\u00a0"  # no delimiter: `my%20secret` is one word
CONTROL = dict.fromkeys((*range(32), 127), " ")


def is_encoded(text: str) -> bool:
    """Return True if something in `text` may be decoded."""
    return "%" in text or "&" in text or "\\u" in text or "\\x" in text


def decoded(text: str) -> str:
    """Return `text` with one layer of its encodings removed."""
    if "%" in text:
        text = PERCENT.sub(lambda found: _plain(unquote(found[0])), text)
    if "&" in text and ";" in text:
        text = html.unescape(text)
    return ESCAPE.sub(_unescaped, text) if "\\" in text else text


def _plain(text: str) -> str:
    return text.replace(" ", SPACE).translate(CONTROL)


def _unescaped(found: re.Match[str]) -> str:
    units = re.findall(r"[ux]([0-9a-fA-F]+)", found[0])
    plain = b"".join(int(unit, 16).to_bytes(2, "big") for unit in units).decode(
        "utf-16-be", "replace"
    )
    return plain.translate(CONTROL)
