"""A form: a table of fields, with the texts typed in them and the fault of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mahaam.core.field import FieldNotValid

from ..web.languages import said
from .field import Field


class Form:
    """Fields by their names. `faults` holds the sentences that belong to no field."""

    def __init__(self, fields: Iterable[Field], texts: Mapping[str, str] | None = None) -> None:
        """Begin the fields with `texts`, by field name, instead of with their own texts."""
        self.fields = {field.name: field for field in fields}
        self.faults: list[str] = []
        for name, text in (texts or {}).items():
            self.fields[name].text = text

    def __getitem__(self, name: str) -> Field:
        """Return the field of this name."""
        return self.fields[name]

    @property
    def is_right(self) -> bool:
        """Return True if neither the form nor a field has a fault."""
        return not self.faults and not any(field.fault for field in self.fields.values())

    @property
    def field_faults(self) -> list[str]:
        """Return the faults of the fields, for pages that do not show the fields."""
        return [field.fault for field in self.fields.values() if field.fault]

    def values(self, typed: Mapping[str, str]) -> dict[str, Any]:
        """Read what was typed. Return the value of each field by its name."""
        return {name: field.read(typed) for name, field in self.fields.items()}

    def refuse(self, fault: FieldNotValid) -> None:
        """Show a fault that the engine found beside its field."""
        self.fault(fault.field, said(fault.phrase))

    def fault(self, name: str, text: str) -> None:
        """Set the fault of a field, or of the form when it has no such field."""
        if name in self.fields:
            self.fields[name].fault = text
        else:
            self.faults.append(text)
