"""Escaping of foreign texts, so that they do not end a line, control a terminal or change the direction."""

from __future__ import annotations

import re

# Control characters, and characters that change the direction, separate lines or are invisible.
# The joiners of Arabic and Persian (U+200C, U+200D) are letters here.
HIDDEN = "\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
STEERING = re.compile(f"[\x00-\x08\x0b-\x1f{HIDDEN}]")
IN_A_LINE = re.compile(f"[\x00-\x08\x0a-\x1f{HIDDEN}]")
IN_JSON = re.compile(f"[{HIDDEN}]")
NAMES = {"\n": "\\n", "\r": "\\r"}


def in_lines(text: str) -> str:
    """Return `text` with escapes (`\\x1b`) for control and hidden characters but line breaks and tabs."""
    return STEERING.sub(_escape, text)


def in_one_line(text: str) -> str:
    """Return `text` as one line, in which line breaks are escapes, too."""
    return IN_A_LINE.sub(_escape, text)


def in_json(text: str) -> str:
    """Return JSON in which hidden characters are escapes of JSON."""
    return IN_JSON.sub(_json_escape, text)


def _escape(found: re.Match[str]) -> str:
    sign = found[0]
    if sign in NAMES:
        return NAMES[sign]
    number = ord(sign)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _json_escape(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
