"""Exceptions for error handlers: described in JSON, and restored as far as possible."""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

from mahaam.core.exception_text import message_of, shown
from mahaam.core.payload import teach


class PassedError(Exception):
    """An exception that was raised in another job.

    It looks as the first one did (`str`, `repr`, the name of its class) and is an instance of
    that class where this process knows it; it has no attributes of its own.
    """

    def __init__(self, kind: str, message: str, shown: str) -> None:
        Exception.__init__(self, message)  # not what the class of the other base makes of it
        self._card = {"class": kind, "message": message, "repr": shown}

    def __str__(self) -> str:
        return self._card["message"]

    def __repr__(self) -> str:
        return self._card["repr"]


def passed(fault: BaseException) -> PassedError:
    """Return `fault`, ready to be stored."""
    if isinstance(fault, PassedError):
        return fault
    kind = type(fault)
    return _revived(
        {
            "class": f"{kind.__module__}.{kind.__qualname__}",
            "message": message_of(fault),
            "repr": shown(fault),
        }
    )


def _revived(card: dict[str, str]) -> PassedError:
    kind = _class_of(card["class"])
    error: PassedError = kind.__new__(kind, card["message"])
    PassedError.__init__(error, card["class"], card["message"], card["repr"])
    return error


@cache
def _class_of(path: str) -> type[PassedError]:
    """Return a class of the same name; nothing is imported for it."""
    module, _, name = path.rpartition(".")
    known = getattr(sys.modules.get(module), name, None)
    bases: tuple[type, ...] = (PassedError,)
    if isinstance(known, type) and issubclass(known, Exception):
        bases = (PassedError, known)
    try:
        kind = type(name, bases, {"__module__": module})
        kind.__new__(kind, "")
    except TypeError:  # some classes cannot be one of two bases, or have constructors of their own
        kind = type(name, (PassedError,), {"__module__": module})
    _teach(kind)
    return kind


def _teach(kind: type[PassedError]) -> None:
    teach(kind, "$exception", write=_card_of, read=_revived)


def _card_of(error: Any) -> dict[str, str]:
    card: dict[str, str] = error._card
    return card


_teach(PassedError)
