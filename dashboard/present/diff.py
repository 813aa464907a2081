"""The changes of an audit event as rows: a name, the value before, the value after."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, NamedTuple

from mahaam.redaction.redact import masked_text

from ..web.languages import number

SHOWN = 300


class Difference(NamedTuple):
    """The two values of one name. None means that it did not exist or is not known."""

    name: str
    before: str | None
    after: str | None


def differences(before: Any, after: Any) -> list[Difference]:
    """Return the differences of an audit event, one for each name."""
    if not isinstance(before, dict | None) or not isinstance(after, dict | None):
        return [Difference("", _text(before), _text(after))]
    old, new = before or {}, after or {}
    return [Difference(name, _value(old, name), _value(new, name)) for name in {**old, **new}]


def _value(values: dict[str, Any], name: str) -> str | None:
    value = values.get(name)
    if name not in ("args", "kwargs", "made") and isinstance(value, dict):
        return _summed(value)
    return _text(value)


def _summed(by_id: dict[str, Any]) -> str:
    """Return the values of many targets as text, each with the number of targets that had it."""
    counts = Counter(_text(value) or "–" for value in by_id.values())
    return ", ".join(f"{text} × {number(count)}" for text, count in counts.most_common(5))


def _text(value: Any) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = masked_text(text)  # a note, for example, is whatever somebody typed
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
