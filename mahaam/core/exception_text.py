"""Exceptions and values of users' code as text, short in every case.

A task's objects may raise anything from `__str__`, `__repr__` and properties, may report a wrong
class, and may be as large as the memory. Nothing here fails because of that, and no text is
copied before it is cut.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

from mahaam.core.payload import clean, encoded
from mahaam.core.plain_text import in_one_line

TEXT_LIMIT_BYTES = 8192  # of a message, a note, a repr
LINE_LIMIT_BYTES = 65_536  # of one line of a process's log
NAME_LIMIT_BYTES = 300


def class_name(value: object) -> str:
    """Return the name of a value's class, with its module unless that is `builtins`."""
    kind = type(value)
    try:
        name, module = type.__dict__["__name__"].__get__(kind), kind.__module__
        whole = name if module == "builtins" else f"{module}.{name}"
        return clean(whole, NAME_LIMIT_BYTES)
    except BaseException:  # noqa: BLE001 (a metaclass may do anything)
        return "a class that cannot be named"


def message_of(fault: BaseException) -> str:
    """Return `str` of an exception; of a long text both ends."""
    return _said_by(str, fault, "its message cannot be formatted", TEXT_LIMIT_BYTES)


def shown(value: object, limit_bytes: int = TEXT_LIMIT_BYTES) -> str:
    """Return `repr` of a value; of a long text both ends."""
    return _said_by(repr, value, "its repr fails", limit_bytes)


def traceback_of(fault: BaseException, limit_bytes: int, *, is_quoted: bool = False) -> str:
    """Return the traceback with its causes; of a longer one both ends.

    If it `is_quoted`, line breaks in messages and notes are shown as `\\n`, so that each line is a line
    of the traceback itself.
    """
    ends = _BothEnds(limit_bytes)
    try:
        for line in _lines(fault, in_one_line if is_quoted else str):
            ends.add(line)
    except BaseException as broken:  # noqa: BLE001 (its cause or its notes may do anything)
        return _plain_traceback(fault, broken, limit_bytes)
    return ends.text


def _lines(fault: BaseException, quoted: Callable[[str], str]) -> Iterator[str]:
    told = traceback.TracebackException(type(fault), fault, _frames_of(fault), compact=True)
    for each in _with_causes(told):
        # The text is kept under a private name in every Python version. It is cut before it is copied.
        if isinstance(text := getattr(each, "_str", None), str):
            each._str = quoted(clean(text, TEXT_LIMIT_BYTES))  # type: ignore[attr-defined]
        notes: Any = getattr(each, "__notes__", None)
        if isinstance(notes, list | tuple):
            each.__notes__ = [quoted(_note(note)) for note in notes]
    yield from told.format()


def _note(note: object) -> str:
    return clean(note, TEXT_LIMIT_BYTES) if isinstance(note, str) else shown(note)


def _with_causes(
    told: traceback.TracebackException,
) -> Iterator[traceback.TracebackException]:
    """Yield an exception, its causes and contexts, and those that it groups."""
    open_, seen = [told], {id(told)}
    while open_:
        each = open_.pop()
        yield each
        more = [each.__cause__, each.__context__, *(each.exceptions or ())]
        new = [other for other in more if other is not None and id(other) not in seen]
        seen.update(map(id, new))
        open_ += new


def _frames_of(fault: BaseException) -> TracebackType | None:
    """Return the traceback object of an exception, which a subclass may hide."""
    found: TracebackType | None = BaseException.__dict__["__traceback__"].__get__(fault)
    return found


def _plain_traceback(fault: BaseException, broken: BaseException, limit_bytes: int) -> str:
    """Return only the frames, for an exception whose traceback cannot be formatted."""
    why = f"{class_name(fault)}: (its traceback cannot be formatted: {class_name(broken)})\n"
    ends = _BothEnds(limit_bytes)
    try:
        for line in traceback.format_tb(_frames_of(fault)):
            ends.add(line)
    except BaseException:  # noqa: BLE001 (a loader of source lines may do anything)
        return why
    ends.add(why)
    return ends.text


def _said_by(show: Callable[[Any], str], value: object, failing: str, limit_bytes: int) -> str:
    try:
        return clean(show(_shortened(value)), limit_bytes)
    except BaseException as broken:  # noqa: BLE001 (a task's value may do anything)
        return f"({failing}: {class_name(broken)})"


def _shortened(value: object) -> object:
    """Return a copy with a shorter text for a built-in exception with one too long text, else `value`."""
    kind: Any = type(value)
    if kind.__module__ != "builtins" or not isinstance(value, Exception):
        return value
    args = value.args
    if len(args) != 1 or type(args[0]) is not str or len(args[0]) <= LINE_LIMIT_BYTES:
        return value
    return kind(clean(args[0], LINE_LIMIT_BYTES))


class _BothEnds:
    """A collector of lines that keeps the beginning and the end."""

    def __init__(self, limit_bytes: int) -> None:
        self._half = limit_bytes // 2
        self._head = bytearray()
        self._tail = bytearray()
        self._left_out = 0

    def add(self, line: str) -> None:
        """Add a line."""
        data = encoded(line)
        room = self._half - len(self._head) if not self._tail else 0
        self._head += data[:room]
        self._tail += data[room:]
        if len(self._tail) > 2 * self._half:
            self._trim()

    @property
    def text(self) -> str:
        """Return the kept text, with a mark where bytes were cut."""
        self._trim()
        mark = f"\n… {self._left_out} bytes cut …\n".encode() if self._left_out else b""
        return (self._head + mark + self._tail).decode("utf-8", "ignore")

    def _trim(self) -> None:
        beyond = max(0, len(self._tail) - self._half)
        self._left_out += beyond
        del self._tail[:beyond]
