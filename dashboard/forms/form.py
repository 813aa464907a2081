"""A form: a table of fields, what was typed in them, and what is wrong with each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mahaam.core.field import FieldNotValid

from ..web.languages import said
from .field import Field


class Form:
    """Fields by their names; `faults` are what belongs to none of them."""

    def __init__(self, fields: Iterable[Field], texts: Mapping[str, str] | None = None) -> None:
        """`texts` are what the fields begin with, instead of their own."""
        self.fields = {field.name: field for field in fields}
        self.faults: list[str] = []
        for name, text in (texts or {}).items():
            self.fields[name].text = text

    def __getitem__(self, name: str) -> Field:
        """Return the field of this name."""
        return self.fields[name]

    @property
    def is_right(self) -> bool:
        """Whether nothing is wrong with what was typed."""
        return not self.faults and not any(field.fault for field in self.fields.values())

    @property
    def field_faults(self) -> list[str]:
        """What is wrong with the fields, for who sees none of them."""
        return [field.fault for field in self.fields.values() if field.fault]

    def values(self, typed: Mapping[str, str]) -> dict[str, Any]:
        """Take what was typed; return the value of each field."""
        return {name: field.read(typed) for name, field in self.fields.items()}

    def refuse(self, fault: FieldNotValid) -> None:
        """Show the engine's refusal beside its field."""
        self.fault(fault.field, said(fault.phrase))

    def fault(self, name: str, text: str) -> None:
        """Say what is wrong with a field."""
        if name in self.fields:
            self.fields[name].fault = text
        else:
            self.faults.append(text)
