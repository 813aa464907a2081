"""Arguments and results as JSON: some types that JSON lacks are stored under a `$tag`, others refused.

PostgreSQL's jsonb keeps neither the order of an object's keys nor the difference between `1e16`
and `10000000000000000`; floats that it would turn into integers are tagged, the order is not kept.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from mahaam.core.errors import ArgumentNotStorable, PayloadBroken, PayloadTooLarge

MAX_DEPTH = 100
PART = 1 << 16  # characters that are encoded at once for counting bytes

_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
_loads = json.JSONDecoder().decode


def dump(value: Any, *, what: str, limit_bytes: int | None = None) -> str:
    """Return the JSON text of `value`; `what` names it in errors.

    Raises ArgumentNotStorable, PayloadTooLarge.
    """
    text = _dumps(_tagged(value, what, 0))
    if limit_bytes is not None and len(text) * 4 > limit_bytes:
        size_bytes = len(text.encode())
        if size_bytes > limit_bytes:
            raise PayloadTooLarge(
                f"{what} are {size_bytes} bytes as JSON; {limit_bytes} are allowed. "
                "Store the data elsewhere and pass its id."
            )
    return text


def dump_call(
    args: tuple[Any, ...], kwargs: dict[str, Any], *, limit_bytes: int
) -> tuple[str, str]:
    """Return the JSON texts of positional and keyword arguments.

    Raises ArgumentNotStorable (names the argument and its type), PayloadTooLarge.
    """
    positional = [
        _tagged(value, f"Argument {place}", 0) for place, value in enumerate(args, start=1)
    ]
    texts = _dumps(positional), _dumps(_named(kwargs)) if kwargs else "{}"
    characters = len(texts[0]) + len(texts[1])
    if characters * 4 > limit_bytes:
        size_bytes = sum(len(text.encode()) for text in texts)
        if size_bytes > limit_bytes:
            raise PayloadTooLarge(
                f"The arguments are {size_bytes} bytes as JSON; {limit_bytes} are allowed. "
                "Store the data elsewhere and pass its id."
            )
    return texts


def load(text: str) -> Any:
    """Return the value of a text that `dump` made. Raises PayloadBroken."""
    try:
        if '"$' in text:
            return json.loads(text, object_hook=_untagged)
        return {} if text == "{}" else _loads(text)  # most calls have no keyword arguments
    except Exception as fault:  # a row that somebody edited may hold anything
        raise PayloadBroken(f"The stored JSON cannot be read back: {fault}") from fault


def teach(kind: type, tag: str, *, write: Callable[[Any], Any], read: Callable[[Any], Any]) -> None:
    """Support one more type: its values are stored under `$tag` as what `write` returns for them."""
    _TREES[kind] = lambda value, what, depth: {tag: _tagged(write(value), what, depth)}
    _READERS[tag] = read


def clean(text: str, limit_bytes: int | None = None) -> str:
    """Return `text` as PostgreSQL can store it: no NUL, no lone surrogates, at most `limit_bytes` long.

    Of a too long text the beginning and the end are kept. The part that is cut is never copied: a text
    may be as large as the memory.
    """
    if type(text) is not str:
        text = str.__getitem__(text, slice(None))  # a user's subclass may do anything
    is_short = limit_bytes is None or len(text) <= limit_bytes
    if is_short and text.isascii() and "\x00" not in text:
        return text  # the common case, and log lines are many
    if limit_bytes is None:
        return encoded(text).decode("utf-8", "ignore")
    if is_short and len(whole := encoded(text)) <= limit_bytes:
        return whole.decode("utf-8", "ignore")
    half = limit_bytes // 2
    head, tail = encoded(text[:half])[:half], encoded(text[-half:])[-half:]
    mark = f"\n… {size_bytes(text) - 2 * half} bytes cut …\n".encode()
    return (head + mark + tail).decode("utf-8", "ignore")


def encoded(text: str) -> bytes:
    """Return `text` as PostgreSQL can store it, in UTF-8."""
    return text.replace("\x00", "\N{SYMBOL FOR NULL}").encode("utf-8", "replace")


def size_bytes(text: str) -> int:
    """Return the size of `text` in PostgreSQL, without a copy of all of it."""
    if text.isascii() and "\x00" not in text:
        return len(text)
    return sum(len(encoded(text[at : at + PART])) for at in range(0, len(text), PART))


def _refuse(what: str, value: Any) -> ArgumentNotStorable:
    kind = type(value)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    return ArgumentNotStorable(
        f"{what} is of type {name}, which cannot be stored as JSON. "
        "Pass an id or a plain value and look the object up in the task."
    )


def _text(value: str, what: str) -> str:
    if "\x00" in value:
        raise ArgumentNotStorable(
            f"{what} contains a NUL character, which PostgreSQL cannot store."
        )
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ArgumentNotStorable(
                f"{what} contains a lone surrogate, which is not valid text."
            ) from None
    return value


def _key(value: Any, what: str) -> str:
    if type(value) is not str:
        raise _refuse(f"A key of {what}", value)
    return _text(value, f"A key of {what}")


def _named(kwargs: dict[str, Any]) -> Any:
    named = {
        _key(name, "The arguments"): _tagged(value, f"Argument {name!r}", 0)
        for name, value in kwargs.items()
    }
    if any(name.startswith("$") for name in named):
        return {"$dict": [[name, value] for name, value in named.items()]}
    return named


def _float(value: float, what: str) -> Any:
    if not math.isfinite(value):
        return {"$float": repr(value)}
    text = repr(value)
    return {"$float": text} if "e" in text or text == "-0.0" else value


def _int(value: int, what: str) -> Any:
    if value.bit_length() > 4096:
        raise ArgumentNotStorable(f"{what} is an integer of more than 4096 bits.")
    return value


def _datetime(value: datetime, what: str) -> Any:
    if value.utcoffset() is None:
        return {"$datetime": value.isoformat()}
    try:
        return {"$datetime_utc": value.astimezone(UTC).isoformat()}
    except OverflowError:
        raise ArgumentNotStorable(f"{what} is a datetime outside the calendar in UTC.") from None


def _time(value: time, what: str) -> Any:
    if value.tzinfo is not None and value.utcoffset() is None:
        raise ArgumentNotStorable(
            f"{what} is a time whose zone has no fixed offset. Pass a datetime."
        )
    return {"$time": value.isoformat()}


def _dict(value: dict[Any, Any], what: str, depth: int) -> Any:
    plain = all(type(key) is str and not key.startswith("$") for key in value)
    if plain:
        return {_text(key, what): _tagged(item, what, depth) for key, item in value.items()}
    pairs = [[_tagged(key, what, depth), _tagged(item, what, depth)] for key, item in value.items()]
    return {"$dict": pairs}


_ATOMS: dict[type, Callable[[Any, str], Any]] = {
    str: _text,
    int: _int,
    bool: lambda value, what: value,
    type(None): lambda value, what: value,
    float: _float,
    datetime: _datetime,
    date: lambda value, what: {"$date": value.isoformat()},
    time: _time,
    timedelta: lambda value, what: {"$timedelta": [value.days, value.seconds, value.microseconds]},
    Decimal: lambda value, what: {"$decimal": str(value)},
    UUID: lambda value, what: {"$uuid": str(value)},
    bytes: lambda value, what: {"$bytes": base64.b64encode(value).decode()},
}

_TREES: dict[type, Callable[[Any, str, int], Any]] = {
    list: lambda value, what, depth: [_tagged(item, what, depth) for item in value],
    tuple: lambda value, what, depth: {"$tuple": [_tagged(item, what, depth) for item in value]},
    set: lambda value, what, depth: {"$set": [_tagged(item, what, depth) for item in value]},
    frozenset: lambda value, what, depth: {
        "$frozenset": [_tagged(item, what, depth) for item in value]
    },
    dict: _dict,
}


def _tagged(value: Any, what: str, depth: int) -> Any:
    kind = type(value)
    atom = _ATOMS.get(kind)
    if atom is not None:
        return atom(value, what)
    tree = _TREES.get(kind)
    if tree is None:
        raise _refuse(what, value)
    if depth >= MAX_DEPTH:
        raise ArgumentNotStorable(
            f"{what} is nested deeper than {MAX_DEPTH} levels or contains itself."
        )
    return tree(value, what, depth + 1)


_READERS: dict[str, Callable[[Any], Any]] = {
    "$datetime": datetime.fromisoformat,
    "$datetime_utc": datetime.fromisoformat,
    "$date": date.fromisoformat,
    "$time": time.fromisoformat,
    "$timedelta": lambda parts: timedelta(days=parts[0], seconds=parts[1], microseconds=parts[2]),
    "$decimal": Decimal,
    "$uuid": UUID,
    "$bytes": lambda text: base64.b64decode(text, validate=True),
    "$float": float,
    "$tuple": tuple,
    "$set": set,
    "$frozenset": frozenset,
    "$dict": dict,
}


def _untagged(plain: dict[str, Any]) -> Any:
    if len(plain) != 1:
        return plain
    ((tag, value),) = plain.items()
    if not tag.startswith("$"):
        return plain
    if tag not in _READERS:
        raise PayloadBroken(f"The tag {tag!r} is unknown.")
    return _READERS[tag](value)
