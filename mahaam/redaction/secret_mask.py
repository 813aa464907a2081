"""Masking of secrets: in nested values by their names, in text by what precedes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from mahaam.core.errors import MahaamError
from mahaam.redaction import command_lines, encoded, markup, named_values, shapes, sql, urls
from mahaam.redaction.names import Names, names_of, tells_number
from mahaam.redaction.value_bounds import replaced

MASK = "••••••"
LAYERS = 3  # of encodings, one inside of the other

PAIRS = "$dict"  # stands for an object whose keys are no plain names


class MaskLeftOver(MahaamError):
    """A mask stands where nothing was hidden. Enter the value itself."""


@dataclass(frozen=True)
class Mask:
    """The names of secrets, each as its words; made by `mask`."""

    names: Names

    def hides(self, name: str) -> bool:
        """Return True if the value under `name` is secret."""
        return self.names.hide(name)

    def value(self, value: Any) -> Any:
        """Return `value` with everything secret in it hidden; None, true and false reveal nothing."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return self._object(value)
        if isinstance(value, list | tuple):
            return type(value)(self._items(list(value)))
        return MASK if _is_card(value) else value

    def call(
        self, args: Sequence[Any], kwargs: dict[str, Any], parameters: Sequence[str]
    ) -> tuple[list[Any], dict[str, Any]]:
        """Return the arguments of a call, masked.

        `parameters` names the positional ones, the last name all further ones.
        """
        names = list(parameters) + list(parameters[-1:]) * len(args) or [""] * len(args)
        shown = [
            _hidden(item) if self.hides(name) else known
            for name, item, known in zip(names, args, self._items(list(args)), strict=False)
        ]
        return shown, self.value(kwargs)

    def is_in(self, value: Any) -> bool:
        """Return True if a search for `value` asks for something that is hidden."""
        # The pairs of such an object are found whatever their order, so no name in them is certain.
        return bool(self.value(value) != value or _has_pairs(value))

    def text(self, text: str) -> str:
        """Return `text` with the secrets that can be recognised in it hidden."""
        shown = plain = self._as_it_stands(text)
        for _ in range(LAYERS):
            if not encoded.is_encoded(plain):
                break
            before, plain = plain, encoded.decoded(plain)
            if plain == before:
                break
            hidden = self._as_it_stands(plain)
            if hidden != plain:
                shown = plain = hidden
        return shown

    def _as_it_stands(self, text: str) -> str:
        """Return `text` with the secrets hidden that need no decoding."""
        text = urls.hidden(shapes.hidden(text, MASK), MASK)
        text = replaced(text, [*named_values.spoken(text), *sql.identified(text)], MASK)
        if "-" in text:
            text = replaced(text, list(command_lines.of_users(text)), MASK)
        if self.names.named_in(text):
            for look in (markup.spans, sql.spans, command_lines.spans, named_values.spans):
                text = replaced(text, list(look(text, self.names)), MASK)
        return text

    def _object(self, value: dict[Any, Any]) -> dict[Any, Any]:
        secret = command_lines.secret_key(value, self.names)
        return {
            self.text(key) if isinstance(key, str) else key: (
                _hidden(item) if key == secret else self._under(key, item)
            )
            for key, item in value.items()
        }

    def _items(self, items: list[Any]) -> list[Any]:
        if command_lines.is_pair(items, self.names):
            return [self.value(items[0]), _hidden(items[1])]
        before = chain([None], items)
        return [
            _hidden(item)
            if command_lines.follows_option(last, self.names) and not _is_option(item)
            else self.value(item)
            for last, item in zip(before, items, strict=False)
        ]

    def _under(self, key: Any, item: Any) -> Any:
        if key == PAIRS and isinstance(item, list):
            return [self._pair(pair) for pair in item]
        is_secret = isinstance(key, str) and self.hides(key) and not _is_count(key, item)
        return _hidden(item) if is_secret else self.value(item)

    def _pair(self, pair: Any) -> Any:
        if not isinstance(pair, list) or len(pair) != 2:
            return self.value(pair)
        return [pair[0], self._under(*pair)]


def mask(names: Iterable[str]) -> Mask:
    """Return a mask for `names` on top of those that are always hidden."""
    return Mask(names_of(names))


def restored(new: Any, old: Any, shown: Any) -> Any:
    """Return `new` with old values wherever what was `shown` of them has been left as it is.

    Raises MaskLeftOver.
    """
    if new == shown and type(new) is type(shown):
        return old
    if isinstance(new, dict):
        known = _by_shown_key(old, shown)
        return {
            known[key][0] if key in known else key: (
                restored(item, *known[key][1:]) if key in known else _without_mask(item)
            )
            for key, item in new.items()
        }
    if isinstance(new, list) and isinstance(shown, list) and len(new) == len(shown):
        return [restored(*three) for three in zip(new, old, shown, strict=True)]
    return _without_mask(new)


def _by_shown_key(old: Any, shown: Any) -> dict[Any, tuple[Any, Any, Any]]:
    """Return the key, the value, and what is shown of the value, by what is shown of the key."""
    if not isinstance(shown, dict) or not isinstance(old, dict):
        return {}
    return {
        shown_key: (key, old[key], item)
        for key, (shown_key, item) in zip(old, shown.items(), strict=False)
    }


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


def _hidden(item: Any) -> Any:
    return item if item is None or isinstance(item, bool) else MASK


def _is_count(key: str, item: Any) -> bool:
    return type(item) is int and tells_number(key, item)


def _is_option(item: Any) -> bool:
    return isinstance(item, str) and item.startswith("--")


def _is_card(value: Any) -> bool:
    return type(value) is int and value > 10**12 and shapes.is_card(str(value))
