"""A text for people that can be translated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

FSI, PDI = "\u2068", "\u2069"  # Unicode's first-strong isolate, and its end


@dataclass(frozen=True, slots=True)
class Translatable:
    """An English template and its values; `str()` returns the English text.

    A value may be a translatable text itself. The catalogues of translations are made from the
    templates.
    """

    template: str
    values: Mapping[str, Translatable | str | int] = field(default_factory=dict)

    @classmethod
    def verbatim(cls, text: str) -> Translatable:
        """Return a text that is the same in every language."""
        return cls("%(text)s", {"text": text})

    def about(self, **values: Translatable | str | int) -> Translatable:
        """Return the same text with `values`."""
        return replace(self, values=values)

    def isolated(self) -> Translatable:
        """Return the same text with values that keep their own direction in a line of another one."""
        values = {
            name: value.isolated() if isinstance(value, Translatable) else f"{FSI}{value}{PDI}"
            for name, value in self.values.items()
        }
        return replace(self, values=values)

    def said(self, translate: Callable[[str], str]) -> str:
        """Return the text in the language of `translate`, which translates templates."""
        values = {
            name: value.said(translate) if isinstance(value, Translatable) else value
            for name, value in self.values.items()
        }
        return translate(self.template) % values

    def kept(self) -> dict[str, Any]:
        """Return the text as values for JSON, which `of_kept` reads back."""
        values = {
            name: value.kept() if isinstance(value, Translatable) else value
            for name, value in self.values.items()
        }
        return {"template": self.template, "values": values}

    @classmethod
    def of_kept(cls, kept: dict[str, Any]) -> Translatable:
        """Return the text that `kept` turned into this."""
        values = {
            name: cls.of_kept(value) if isinstance(value, dict) else value
            for name, value in kept["values"].items()
        }
        return cls(kept["template"], values)

    def __str__(self) -> str:
        return self.said(str)
