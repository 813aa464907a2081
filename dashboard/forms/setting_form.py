"""The form of the settings that can be changed while the product runs."""

from __future__ import annotations

from collections.abc import Mapping

from mahaam.live_settings.definitions import SETTINGS, LiveSetting
from mahaam.settings.queries import SettingChange

from ..present.audit_labels import choice_word
from ..web.languages import said
from .field import Field
from .form import Form
from .kinds import FieldType

MOST = 20_000


class SettingForm(Form):
    """Every setting as a field with its current value. `changes` are those of users, by setting."""

    def __init__(self, changes: Mapping[str, SettingChange]) -> None:
        super().__init__(_field(one, changes.get(name)) for name, one in SETTINGS.items())
        self.changes = changes

    def read(self, typed: Mapping[str, str]) -> dict[str, str] | None:
        """Return the texts of the settings that were sent, or None when one is not valid."""
        sent = [field for name, field in self.fields.items() if name in typed]
        for field in sent:
            field.read(typed)
        return {field.name: field.text for field in sent} if self.is_right else None

    def usual(self, name: str) -> str:
        """Return the default of a setting as text."""
        return SETTINGS[name].kind.text(SETTINGS[name].default())


def _field(one: LiveSetting, change: SettingChange | None) -> Field:
    value = one.usable(change.value) if change else one.default()
    kind = "list" if one.kind.widget == "lines" else "str"
    return Field(
        one.name,
        said(one.label),
        FieldType("int" if one.kind.widget == "number" else kind, one.kind.widget, one.parse, ""),
        default="",
        hint=said(one.help) if one.help else "",
        text=one.kind.text(value),
        choices=one.kind.choices,
        may_be_empty=True,
        most=MOST,
        words={choice: choice_word(choice) for choice in one.kind.choices},
    )
