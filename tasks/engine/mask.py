"""Hides secrets: in nested values by the names they stand under, in text by what stands before them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tasks.engine.errors import MahaamError

MASK = "••••••"

# Names are read as words: `cardNumber`, `card-number` and `CARD_NUMBER` contain "card", "discard"
# does not. The long ones also count at the end of a word: `accesstoken`.
ALWAYS = (
    "password", "passwd", "passphrase", "pwd", "token", "secret", "card", "creditcard", "cvv", "cvc",
    "pin", "authorization", "api_key", "apikey", "access_key", "private_key", "secret_key",
    "credential", "cookie", "session_id", "ssn",
)  # fmt: skip
LONG = 5

WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")
NOT_A_NAME = re.compile(r"(?:Error|Exception|Warning)$")  # `TokenError: …` tells what went wrong

# Before `: `, a class that says by its last word what happened is an exception with its message.
EXCEPTION = re.compile(
    r"[A-Z]\w*(?:Blocked|Declined|Denied|Error|Exceeded|Exception|Expired|Failed|Failure|Fault|Invalid|Mismatch"
    r"|Missing|NotFound|Refused|Rejected|Required|Revoked|Timeout|Unavailable|Unknown|Used|Warning)"
)

# A name, perhaps in quotes (escaped ones, too: JSON in JSON), and what separates it from its value.
NAMED = re.compile(
    r"""(?<![\w-])(?P<name>[\w-]++)\\*["']?\s*+(?:=>|:=|(?<![=!<>])=(?!=)|:(?!:))[ \t]*+"""
)
SCHEME = re.compile(r"(?i)\b(?P<scheme>bearer|basic|digest)\s++(?P<secret>[\w.~+/=-]{6,})")
IN_URL = re.compile(r"(?<=://)(?P<user>[^\s/:@\"']*+):(?P<secret>[^\s/@\"']++)@")
WHOLE_LINE = frozenset({"authorization", "cookie"})  # headers: what follows has spaces in it

PAIRS = "$dict"  # stands for an object whose keys are no plain names

OPENING, CLOSING, QUOTES = "([{", ")]}", "\"'"
DELIMITERS = frozenset(" \t\r\n,;&<>")


class MaskLeftOver(MahaamError):
    """A mask stands where nothing was hidden. Enter the value itself."""


@dataclass(frozen=True)
class Mask:
    """The names under which secrets stand, each as its words; made by `mask`."""

    names: frozenset[tuple[str, ...]]

    def hides(self, name: str) -> bool:
        """Whether what stands under `name` is secret."""
        return _hides(self.names, name)

    def value(self, value: Any) -> Any:
        """`value` with everything secret in it hidden; None, true and false tell nothing."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {key: self._under(key, item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self.value(item) for item in value)
        return value

    def call(
        self, args: Sequence[Any], kwargs: dict[str, Any], parameters: Sequence[str]
    ) -> tuple[list[Any], dict[str, Any]]:
        """The arguments of a call; `parameters` names those by place, the last one all further."""
        names = list(parameters) + list(parameters[-1:]) * len(args)
        shown = [
            self._under(name, item)
            for name, item in zip(names or [""] * len(args), args, strict=False)
        ]
        return shown, self.value(kwargs)

    def is_in(self, value: Any) -> bool:
        """Whether who looks for `value` asks for something that is hidden."""
        # The pairs of such an object are found whatever their order, so no name in them is sure.
        return bool(self.value(value) != value or _has_pairs(value))

    def text(self, text: str) -> str:
        """`text` with the secrets that can be recognised in it hidden."""
        text = IN_URL.sub(rf"\g<user>:{MASK}@", text)
        text = SCHEME.sub(rf"\g<scheme> {MASK}", text)
        parts, done = [], 0
        for found in NAMED.finditer(text):
            if found.start() < done or _is_exception(found) or not self.hides(found["name"]):
                continue
            end = _end_of_value(text, found)
            if text[found.end() : end].lower() in ("", "none", "null", "true", "false"):
                continue
            parts += [text[done : found.end()], _quoted(text, found.end(), end)]
            done = end
        return "".join([*parts, text[done:]]) if parts else text

    def _under(self, key: Any, item: Any) -> Any:
        if key == PAIRS and isinstance(item, list):
            return [self._pair(pair) for pair in item]
        is_secret = isinstance(key, str) and self.hides(key)
        return MASK if is_secret and not isinstance(item, bool | None) else self.value(item)

    def _pair(self, pair: Any) -> Any:
        if not isinstance(pair, list) or len(pair) != 2:
            return self.value(pair)
        return [pair[0], self._under(*pair)]


def mask(names: Iterable[str]) -> Mask:
    """A mask for `names` on top of those that are always hidden."""
    words = (tuple(word.lower() for word in WORDS.findall(name)) for name in (*ALWAYS, *names))
    return Mask(frozenset(name for name in words if name))


def restored(new: Any, old: Any, shown: Any) -> Any:
    """`new` with old values wherever what was `shown` of them has been left as it is.

    Raises MaskLeftOver.
    """
    if new == shown and type(new) is type(shown):
        return old
    if isinstance(new, dict):
        known = shown if isinstance(shown, dict) and isinstance(old, dict) else {}
        return {
            key: restored(item, old[key], known[key]) if key in known else _without_mask(item)
            for key, item in new.items()
        }
    if isinstance(new, list) and isinstance(shown, list) and len(new) == len(shown):
        return [restored(*three) for three in zip(new, old, shown, strict=True)]
    return _without_mask(new)


def _has_pairs(value: Any) -> bool:
    if isinstance(value, dict):
        return PAIRS in value or any(map(_has_pairs, value.values()))
    return isinstance(value, list) and any(map(_has_pairs, value))


def _without_mask(value: Any) -> Any:
    parts: Iterable[Any] = ()
    if isinstance(value, dict):
        parts = value.values()
    elif isinstance(value, list | tuple):
        parts = value
    elif isinstance(value, str) and MASK in value:
        raise MaskLeftOver
    for part in parts:
        _without_mask(part)
    return value


@lru_cache(maxsize=4096)  # the same few names come again and again
def _hides(names: frozenset[tuple[str, ...]], name: str) -> bool:
    if NOT_A_NAME.search(name):
        return False
    words = tuple(word.lower() for word in WORDS.findall(name))
    return any(_contains(words, secret) for secret in names)


def _is_exception(found: re.Match[str]) -> bool:
    is_message = found.string.startswith(": ", found.end("name"))
    return is_message and EXCEPTION.fullmatch(found["name"]) is not None


def _contains(words: tuple[str, ...], secret: tuple[str, ...]) -> bool:
    size = len(secret)
    if any(_same(words[at : at + size], secret) for at in range(len(words) - size + 1)):
        return True
    joined = "".join(secret)
    return len(joined) >= LONG and any(_singular(word).endswith(joined) for word in words)


def _same(words: tuple[str, ...], secret: tuple[str, ...]) -> bool:
    return words == secret or (*words[:-1], _singular(words[-1])) == secret


def _singular(word: str) -> str:
    return word.removesuffix("s")


def _quoted(text: str, start: int, end: int) -> str:
    """The mask, in the quotes that the value has."""
    quote = re.match(r"\\*[\"']", text[start:end])
    return f"{quote[0]}{MASK}{quote[0]}" if quote else MASK


def _end_of_value(text: str, found: re.Match[str]) -> int:
    name = found["name"].lower().removeprefix("set-").removeprefix("proxy-")
    if name in WHOLE_LINE and not re.match(r"\\*[\"']|[\[({]", text[found.end() : found.end() + 9]):
        return _end_of_line(text, found.end())
    return _end_from(text, found.end())


def _end_from(text: str, at: int) -> int:
    """Where the value that begins at `at` ends: at a delimiter outside of its brackets and quotes."""
    depth = 0
    while at < len(text):
        sign = text[at]
        if sign in QUOTES or (sign == "\\" and text[at + 1 : at + 2] in ("\\", *QUOTES)):
            at = _end_of_quote(text, at)
            continue
        if depth == 0 and (sign in DELIMITERS or sign in CLOSING):
            break
        depth += (sign in OPENING) - (sign in CLOSING)
        at += 1
    return at


def _end_of_quote(text: str, at: int) -> int:
    """Behind the closing quote; of one that is never closed, the end of its line."""
    mark = re.compile(r"\\*[\"']?").match(text, at)
    opening = mark[0] if mark else text[at]
    if opening[-1] not in QUOTES:  # backslashes alone
        return at + len(opening)
    closing = re.compile(
        rf"(?<!\\){re.escape(opening)}" if opening[0] == "\\" else rf"(?<!\\)(?:\\\\)*{opening}"
    )
    end = closing.search(text, at + len(opening))
    return end.end() if end else _end_of_line(text, at)


def _end_of_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end
