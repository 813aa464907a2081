"""Parsing of the text that people type to find jobs by their arguments, into JSON."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from mahaam.core import strict_json
from mahaam.core.strict_json import JsonNotValid

MAX_LENGTH = 1000
MAX_DEPTH = 20


def wanted_json(text: str) -> str | None:
    """Return the JSON that arguments are to contain, or None when `text` is no such condition.

    `user_id=42`, `opts.batch=7` and `name="x"` name keyword arguments; what follows the sign is
    JSON, or else a text. `{"a": 1}` is looked for in the keyword arguments, `[1]` in the positional
    ones.
    """
    text = text.strip()
    if len(text) > MAX_LENGTH:
        return None
    if text.startswith(("{", "[")):
        value = _parsed(text)
        return _stored(value) if value else None  # empty ones are contained in everything
    path, sign, right = text.partition("=")
    names = [name.strip() for name in path.split(".")]
    if not sign or not all(names) or len(names) > MAX_DEPTH:
        return None
    value = _value(right.strip())
    for name in reversed(names):
        value = {name: value}
    return _stored(value)


def exact_json(value: Any) -> str:
    """Return JSON in which each decimal has the digits that it was written with."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(map(exact_json, value))}]"
    if isinstance(value, dict):
        pairs = (f"{exact_json(name)}: {exact_json(one)}" for name, one in value.items())
        return f"{{{', '.join(pairs)}}}"
    return json.dumps(value, ensure_ascii=False)


def _value(text: str) -> Any:
    """Return `text` parsed as JSON if it is that, else `text` itself."""
    parsed = _parsed(text)
    return text if parsed is None and text != "null" else parsed


def _parsed(text: str) -> Any:
    try:
        strict_json.parse(text)
        # Decimals may stand in rows as they were written, 12.50 and not 12.5.
        return json.loads(text, parse_float=Decimal)
    except JsonNotValid:
        return None


def _stored(value: Any) -> str | None:
    """Return the JSON text, or None if PostgreSQL cannot read it."""
    try:
        stored = exact_json(value)
        stored.encode()
    except (ValueError, RecursionError):  # a lone surrogate is a ValueError, too
        return None
    is_deep = stored.count("[") + stored.count("{") > MAX_DEPTH * 5
    return None if "\\u0000" in stored or is_deep else stored
